/* SPDX-License-Identifier: MIT */
/* words.cpp - counts the words of a text, with actors in C++
 *
 *     words [FILE]
 *
 * One actor reads lines and sends each to one of four others, by turns. These
 * count the words of their lines; asked for it they send what they have through
 * a channel. The main actor adds it up and prints the ten commonest words.
 */
#include <heph/heph.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

typedef std::map<std::string, int> counts;

/* Either a line, or where the counts go. */
struct count_msg {
	std::variant<std::string, heph_cxx::sender<counts>> it;
};
HEPH_ACTOR(count, count_msg, void);

static int count_main(heph_ctx ctx, count_inbox in)
{
	counts words;

	for (;;) {
		auto msg = heph_recv(ctx, in);

		if (!msg)
			return msg.err();
		if (auto *line = std::get_if<std::string>(&msg->it)) {
			std::istringstream text(*line);

			for (std::string word; text >> word;)
				words[word]++;
		} else {
			auto &to = std::get<heph_cxx::sender<counts>>(msg->it);

			return heph_chan_send(ctx, to, std::move(words));
		}
	}
}
HEPH_ACTOR_MAIN(count, count_main);

static int read_lines(heph_ctx ctx, std::istream &from, count_group *to)
{
	for (std::string line; std::getline(from, line);) {
		int err = heph_send_one(ctx, to, { std::move(line) });

		if (err < 0)
			return err;
	}
	return 0;
}

static void print(const counts &words)
{
	std::vector<std::pair<std::string, int>> list(words.begin(), words.end());

	std::stable_sort(list.begin(), list.end(), [](auto &a, auto &b) {
		return a.second > b.second;
	});
	list.resize(std::min<size_t>(list.size(), 10));
	for (auto &[word, n] : list)
		std::cout << n << ' ' << word << '\n';
}

/* The actors end with the scope, on every way out of it. */
static int count_all(heph_ctx ctx, std::istream &from)
{
	heph_cxx::scope scope;
	heph_cxx::sender<counts> tx;
	heph_cxx::receiver<counts> rx;
	count_group counters = {};
	counts all;
	int err;

	err = scope.open(ctx);
	if (err == 0)
		err = heph_chan_new(4, &tx, &rx);
	for (int i = 0; err == 0 && i < 4; i++) {
		count_ref counter;

		err = heph_spawn(ctx, count, &counter, {}, { .on = HEPH_ANY });
		if (err == 0)
			err = heph_group_add(ctx, &counters, counter);
	}
	if (err == 0)
		err = read_lines(ctx, from, &counters);
	if (err == 0 && heph_send_all(ctx, &counters, { std::move(tx) }) != 4)
		err = -ESRCH;
	while (err == 0) {
		auto words = heph_chan_recv(ctx, rx);

		if (!words && words.err() == -EPIPE)
			break; /* all have sent theirs */
		err = words.err();
		if (words)
			for (auto &[word, n] : *words)
				all[word] += n;
	}
	if (err == 0)
		print(all);
	return err;
}

int main(int argc, char **argv)
{
	heph_cxx::scoped_runtime runtime;
	heph_ref app;
	std::ifstream file;
	heph_exit why = {};

	if (argc > 1)
		file.open(argv[1]);
	if (argc > 1 && !file) {
		std::cerr << argv[1] << ": cannot be opened\n";
		return 1;
	}
	int err = runtime.start();
	if (err == 0)
		err = heph_spawn_fn(
			runtime.ctx(), &app,
			[file = std::move(file)](heph_ctx ctx) mutable {
				return count_all(ctx, file.is_open() ?
							      file :
							      std::cin);
			});
	if (err == 0)
		err = heph_join(runtime.ctx(), app, &why);
	if (err == 0 && why.err != -ESRCH)
		err = why.err;
	if (err < 0)
		std::cerr << "words: " << heph_cxx::error(err).message() << '\n';
	return err < 0;
}
