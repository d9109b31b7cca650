%% SPDX-License-Identifier: MIT
%%
%% What bench/remote/calls.c measures, between two nodes of Erlang.
%%
%%     erl -sname NODE@localhost -noshell -pa DIR -s remote serve
%%     erl -sname OTHER@localhost -noshell -pa DIR -s remote ask
%%         -extra call|cast NODE@localhost N CONCURRENCY SIZE
%%
%% One gen_server answers; CONCURRENCY processes of the other node call it one
%% after another, or cast to it. Ends with a call, so that all casts have come.
-module(remote).
-behaviour(gen_server).
-export([serve/0, ask/0, init/1, handle_call/3, handle_cast/2]).

%% ---- the one who answers ---------------------------------------------------------

serve() ->
    {ok, _} = gen_server:start({local, echo}, ?MODULE, [], []),
    io:format("listening on ~s~n", [node()]).

init([]) -> {ok, 0}.

handle_call({echo, Data}, _, Casts) -> {reply, Data, Casts};
handle_call(casts, _, Casts) -> {reply, Casts, 0};
handle_call(cpu, _, Casts) -> {reply, cpu_ms(), Casts}.

handle_cast({take, _}, Casts) -> {noreply, Casts + 1}.

%% ---- the one who asks ------------------------------------------------------------

ask() ->
    [Kind, Node | Numbers] = init:get_plain_arguments(),
    case catch ask(Kind, {echo, list_to_atom(Node)},
                   [list_to_integer(S) || S <- Numbers]) of
        ok -> halt(0);
        E -> io:format(standard_error, "remote: ~p~n", [E]), halt(3)
    end.

ask(Kind, Server, [N, Concurrency, Size]) ->
    Data = binary:copy(<<"x">>, Size),
    Each = N div Concurrency,
    run(Kind, Server, Data, Concurrency, max(Each div 10, 1)), % warm
    Cpu = gen_server:call(Server, cpu) + cpu_ms(),
    Start = now_ns(),
    Times = run(Kind, Server, Data, Concurrency, Each),
    Wall = (now_ns() - Start) / 1.0e9,
    Used = (gen_server:call(Server, cpu) + cpu_ms() - Cpu) / 1000.0,
    report(Kind, Each * Concurrency, Concurrency, Size, Wall, Used, Times).

run("call", Server, Data, Concurrency, Each) ->
    lists:append(spread(Concurrency, fun() -> call(Server, Data, Each, []) end));
run("cast", Server, Data, Concurrency, Each) ->
    spread(Concurrency, fun() -> cast(Server, Data, Each) end),
    Casts = gen_server:call(Server, casts, infinity),
    Casts = Each * Concurrency,
    [].

call(_, _, 0, Times) -> Times;
call(Server, Data, N, Times) ->
    Start = now_ns(),
    Data = gen_server:call(Server, {echo, Data}, 60000),
    call(Server, Data, N - 1, [now_ns() - Start | Times]).

%% The last one is a call: what one process sends arrives in order.
cast(Server, Data, 0) -> Data = gen_server:call(Server, {echo, Data}, infinity);
cast(Server, Data, N) ->
    ok = gen_server:cast(Server, {take, Data}),
    cast(Server, Data, N - 1).

%% Runs a function in so many processes, and collects what it returns.
spread(Concurrency, Fun) ->
    Self = self(),
    Workers = [spawn_link(fun() -> Self ! {self(), Fun()} end)
               || _ <- lists:seq(1, Concurrency)],
    [receive {Worker, Result} -> Result end || Worker <- Workers].

%% ---- the clock and the line ---------------------------------------------------------

now_ns() -> erlang:monotonic_time(nanosecond).

%% User and system time of the process, in ticks of 10 ms.
cpu_ms() ->
    {ok, B} = file:read_file("/proc/self/stat"),
    [_, R] = string:split(B, ") ", trailing),
    F = string:split(R, " ", all),
    10 * (binary_to_integer(lists:nth(12, F)) + binary_to_integer(lists:nth(13, F))).

at(_, []) -> "";
at(Share, Times) ->
    Nth = max(1, ceil(Share * length(Times))),
    integer_to_list(lists:nth(Nth, Times)).

report(Kind, N, Concurrency, Size, Wall, Cpu, Times) ->
    Sorted = lists:sort(Times),
    io:format("~s_~b n=~b size=~b secs=~.4f rate=~b cpu_ns_per_op=~b p50=~s p99=~s~n",
              [Kind, Concurrency, N, Size, Wall, round(N / Wall),
               round(Cpu * 1.0e9 / N), at(0.5, Sorted), at(0.99, Sorted)]),
    ok.
