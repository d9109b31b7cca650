%% SPDX-License-Identifier: MIT
%%
%% The benchmarks of bench/ on Erlang/OTP.
%%
%%     erl +S 1:1 +P 4000000 -noshell -pa DIR -s bench main -extra NAME N [SIZE]
%%
%% In *_forced the processes are tied to two schedulers, by an option of
%% spawn_opt that is not documented.
-module(bench).
-export([main/0, init/1, handle_call/3, handle_cast/2, idle/1]).

-define(BATCH, 1000).
-define(SLEEPS, 4).
-define(ECHO_BYTES, 64).
-define(SETTLE, 20).
-define(STAGES, 4).

main() ->
    [Name, N | Size] = init:get_plain_arguments(),
    put(size, [list_to_integer(S) || S <- Size]),
    case catch bench(Name, list_to_integer(N)) of
        ok -> halt(0);
        E -> io:format(standard_error, "bench: ~p~n", [E]), halt(3)
    end.

%% ---- the clock and the line -------------------------------------------------

now_ns() -> erlang:monotonic_time(nanosecond).

%% User and system time of the process, in ticks of 10 ms; statistics(runtime)
%% leaves out the system time.
cpu_ms() ->
    {ok, B} = file:read_file("/proc/self/stat"),
    [_, R] = string:split(B, ") ", trailing),
    F = string:split(R, " ", all),
    10 * (binary_to_integer(lists:nth(12, F)) + binary_to_integer(lists:nth(13, F))).

rss_kb() ->
    {ok, B} = file:read_file("/proc/self/statm"),
    [_, R | _] = string:split(B, " ", all),
    binary_to_integer(R) * 4.

peak_kb() ->
    {ok, B} = file:read_file("/proc/self/status"),
    {match, [X]} = re:run(B, "VmHWM:\\s+(\\d+)", [{capture, all_but_first, list}]),
    list_to_integer(X).

start() -> C = cpu_ms(), {now_ns(), C}.

report(Name, N, {T0, C0}, Extra) ->
    W = (now_ns() - T0) / 1.0e9,
    C = (cpu_ms() - C0) / 1000.0,
    io:format("~s impl=erlang n=~b secs=~.4f rate=~b/s ns_per_op=~.1f rss_kb=~b "
              "cpu_secs=~.3f cpu_ns_per_op=~.1f~s~n",
              [Name, N, W, round(N / W), W * 1.0e9 / N, peak_kb(),
               C, C * 1.0e9 / N, Extra]).

words(Format, Args) -> io_lib:format(" " ++ Format, Args).

per_actor(Rss0, N) -> words("rss_per_actor=~b", [round((rss_kb() - Rss0) * 1024 / N)]).

how_many(Default) -> case get(size) of [] -> Default; [S] -> S end.

%% Where process I is to run.
place(Name, I) ->
    case lists:suffix("_forced", Name) of
        true -> [{scheduler, 1 + I rem 2}];
        false -> []
    end.

%% ---- the benchmarks ---------------------------------------------------------

bench(Name = "pingpong_" ++ _, N) -> ring(Name, ring_of(Name, how_many(2)), N);
bench(Name = "ring_local", N) -> ring(Name, ring_of(Name, how_many(1000)), N);
bench(Name = "ring_million", N) -> ring(Name, ring_of(Name, how_many(1000000)), N);
bench(Name = "ring_random", N) ->
    Ps = ring_of(Name, how_many(1000000)),
    ring(Name, [P || {_, P} <- lists:sort([{rand:uniform(), P} || P <- Ps])], N);

bench(Name = "switch", N) ->
    Me = self(), Half = N div 2,
    T = start(),
    [spawn(fun() -> yields(Half), Me ! done end) || _ <- [1, 2]],
    [receive done -> ok end || _ <- [1, 2]],
    report(Name, 2 * Half, T, ""),
    ok;

bench(Name = "pairs" ++ _, N) ->
    Me = self(), Size = how_many(2),
    As = [begin
        A = spawn(fun() -> receive {other, B} -> partner(B, Me) end end),
        A ! {other, spawn(fun() -> partner(A, Me) end)},
        A
    end || _ <- lists:seq(1, Size)],
    timer:sleep(?SETTLE),
    T = start(),
    [A ! N - 1 || A <- As],
    [receive finished -> ok end || _ <- As],
    report(Name, N * Size, T, words("pairs=~b", [Size])),
    ok;

bench(Name = "timer_set", N) ->
    Me = self(),
    A = spawn(fun() -> receive {other, B} -> waiter(B, Me) end end),
    A ! {other, spawn(fun() -> waiter(A, Me) end)},
    T = start(),
    A ! N - 1,
    receive finished -> ok end,
    report(Name, N, T, ""),
    ok;

bench(Name = "latency" ++ _, N) ->
    Me = self(), Rate = how_many(100000), Times = atomics:new(N, []),
    Last = spawn(fun() -> arrivals(1, N, Times, Me) end),
    First = lists:foldl(fun(_, Next) -> spawn(fun() -> stage(Next) end) end,
                        Last, lists:seq(2, ?STAGES)),
    timer:sleep(?SETTLE),
    T = {Began, _} = start(),
    requests(0, N, Rate, Began, First),
    receive done -> ok end,
    Sorted = list_to_tuple(lists:sort([atomics:get(Times, I) || I <- lists:seq(1, N)])),
    At = fun(Share) -> element(1 + trunc(Share * (N - 1)), Sorted) end,
    report(Name, N, T, words("per_second=~b p50=~b p90=~b p99=~b p999=~b p9999=~b max=~b",
                             [Rate | [At(Share) || Share <- [0.5, 0.9, 0.99, 0.999, 0.9999, 1]]])),
    ok;

bench(Name = "memory_msg", N) -> keepers(Name, N, how_many(64), 0);
bench(Name = "memory_depth", N) -> keepers(Name, N, 8, how_many(64));

bench(Name = "count_" ++ _, N) ->
    Me = self(),
    Counter = spawn_opt(fun() -> counter(0) end, place(Name, 0)),
    spawn_opt(fun() ->
        T = start(),
        produce(Counter, N),
        Counter ! {get, self()},
        receive {total, N} -> Me ! {done, T} end
    end, place(Name, 1)),
    receive {done, T} -> report(Name, N, T, "") end,
    ok;

bench(Name = "fan_in" ++ _, N) ->
    Me = self(),
    Size = how_many(100),
    Total = N * Size,
    Sink = spawn(fun() -> sink(0, Total), Me ! done end),
    Ps = [spawn(fun() -> receive go -> produce(Sink, N) end end) || _ <- lists:seq(1, Size)],
    timer:sleep(?SETTLE),
    T = start(),
    [P ! go || P <- Ps],
    receive done -> report(Name, Total, T, words("producers=~b", [Size])) end,
    ok;

bench(Name = "rpc_" ++ _, N) ->
    Me = self(),
    {ok, Server} = gen_server:start(?MODULE, [], [{spawn_opt, place(Name, 0)}]),
    spawn_opt(fun() -> T = start(), calls(Server, N), Me ! {done, T} end, place(Name, 1)),
    receive {done, T} -> report(Name, N, T, "") end,
    ok;

bench(Name = "spawn_local", N) ->
    Me = self(), C = atomics:new(1, []),
    T = start(),
    spawn(fun() -> batches(0, N, C, Me) end),
    receive done -> report(Name, N, T, "") end,
    ok;
bench(Name = "spawn_burst", N) ->
    Me = self(), C = atomics:new(1, []),
    T = start(),
    spawn(fun() -> spawn_n(N, 0, N, C, Me) end),
    receive done -> report(Name, N, T, "") end,
    ok;
bench("spawn_alive", N) ->
    alive("spawn_alive", N, fun(_, T, Rss0) -> report("spawn_alive", N, T, per_actor(Rss0, N)) end);
bench("alive_msg", N) ->
    alive("alive_msg", N, fun(Ps, _, Rss0) ->
        T = start(),
        [P ! 1 || P <- Ps],
        receive done -> ok end,
        report("alive_msg", N, T, per_actor(Rss0, N))
    end);

bench(Name = "timers", N) ->
    Me = self(), C = atomics:new(2, []), Ops = N * ?SLEEPS,
    T = start(),
    [spawn(fun() -> sleeper(?SLEEPS, (I * 2654435761) band 16#fffffff + 1, C, Ops, Me) end)
     || I <- lists:seq(1, N)],
    receive done -> ok end,
    report(Name, Ops, T, words("avg_late_us=~b", [atomics:get(C, 2) div Ops])),
    ok;

bench(Name = "big" ++ _, N) ->
    Me = self(),
    Size = how_many(120),
    Ws = [spawn(fun() -> receive {peers, Ps} -> big(I, Ps, Size, I * 7919 + 1, -1, 0, 0, N, Me) end end)
          || I <- lists:seq(0, Size - 1)],
    Ps = list_to_tuple(Ws),
    [W ! {peers, Ps} || W <- Ws],
    timer:sleep(?SETTLE),
    T = start(),
    [W ! {pong, -1} || W <- Ws],
    [receive finished -> ok end || _ <- Ws],
    Total = N * Size,
    report(Name, 2 * Total, T, words("actors=~b", [Size])),
    [W ! {served, Me} || W <- Ws],
    Total = lists:sum([receive {served, S} -> S end || _ <- Ws]),
    ok;

bench(Name = "echo_" ++ _, N) ->
    Me = self(), Size = how_many(1),
    {ok, L} = gen_tcp:listen(0, [binary, {active, false}, {nodelay, true}, {ip, {127, 0, 0, 1}},
                                 {reuseaddr, true}, {backlog, 1024}]),
    {ok, Port} = inet:port(L),
    spawn_opt(fun() -> accept(Name, L) end, place(Name, 0)),
    Cs = [spawn_opt(fun() -> echo_client(Port, N, Me) end, place(Name, 1)) || _ <- lists:seq(1, Size)],
    [receive connected -> ok end || _ <- Cs],
    T = start(),
    [C ! go || C <- Cs],
    [receive done -> ok end || _ <- Cs],
    report(Name, N * Size, T, words("connections=~b bytes=~b", [Size, ?ECHO_BYTES])),
    ok.

%% ---- yields, pairs, deadlines, latency, memory -------------------------------

yields(0) -> ok;
yields(N) -> erlang:yield(), yields(N - 1).

partner(Other, Me) ->
    receive
        0 -> Me ! finished;
        L -> Other ! L - 1, partner(Other, Me)
    end.

waiter(Other, Me) ->
    receive
        0 -> Me ! finished;
        L -> Other ! L - 1, waiter(Other, Me)
    after 1000 -> ok
    end.

requests(N, N, _, _, _) -> ok;
requests(I, N, Rate, Began, First) ->
    Due = Began + I * 1000000000 div Rate,
    until(Due),
    First ! Due,
    requests(I + 1, N, Rate, Began, First).

until(Due) ->
    case now_ns() < Due of
        true -> erlang:yield(), until(Due);
        false -> ok
    end.

stage(Next) -> receive Due -> Next ! Due, stage(Next) end.

arrivals(I, N, _, Me) when I > N -> Me ! done;
arrivals(I, N, Times, Me) ->
    receive Due -> atomics:put(Times, I, now_ns() - Due), arrivals(I + 1, N, Times, Me) end.

%% Idle processes: each has received a message of so many bytes, a tuple of
%% integers, and waits; and has as much on its stack.
keepers(Name, N, Bytes, Depth) ->
    Me = self(), C = atomics:new(1, []),
    Msg = list_to_tuple(lists:seq(1, Bytes div 8)),
    Rss0 = rss_kb(),
    T = start(),
    Ps = [begin P = spawn(fun() -> deep(Depth div 8, C, Me, N) end), P ! Msg, P end
          || _ <- lists:seq(1, N)],
    receive done -> ok end,
    report(Name, N, T, words("local=~b", [Depth]) ++ per_actor(Rss0, N)),
    length(Ps) == N andalso ok.

%% A word for each level: where it goes back to.
deep(0, C, Me, N) -> keeper(C, Me, N), 0;
deep(Levels, C, Me, N) -> 1 + deep(Levels - 1, C, Me, N).

keeper(C, Me, N) ->
    receive
        M when is_tuple(M) ->
            case atomics:add_get(C, 1, 1) of N -> Me ! done; _ -> ok end,
            keeper(C, Me, N);
        stop -> ok
    end.

%% ---- rings ------------------------------------------------------------------

%% The token is an integer, the hops left.
ring_of(Name, R) ->
    Me = self(),
    [spawn_opt(fun() -> receive {next, P} -> node_loop(P, 0, Me) end end, place(Name, I))
     || I <- lists:seq(0, R - 1)].

ring(Name, Ps, N) ->
    lists:foreach(fun({A, B}) -> A ! {next, B} end, lists:zip(Ps, tl(Ps) ++ [hd(Ps)])),
    timer:sleep(?SETTLE),
    T = start(),
    lists:nth(2, Ps) ! N - 1,
    receive finished -> ok end,
    report(Name, N, T, words("actors=~b", [length(Ps)])),
    Me = self(),
    [P ! {hops, Me} || P <- Ps],
    N = lists:sum([receive {hops, H} -> H end || _ <- Ps]),
    ok.

node_loop(Next, Hops, Me) ->
    receive
        0 -> Me ! finished, node_loop(Next, Hops + 1, Me);
        L when is_integer(L) -> Next ! L - 1, node_loop(Next, Hops + 1, Me);
        {hops, P} -> P ! {hops, Hops}
    end.

%% ---- streams and calls ------------------------------------------------------

counter(N) ->
    receive
        I when is_integer(I) -> counter(N + I);
        {get, P} -> P ! {total, N}
    end.

produce(_, 0) -> ok;
produce(P, N) -> P ! 1, produce(P, N - 1).

sink(T, T) -> ok;
sink(N, T) -> receive I when is_integer(I) -> sink(N + I, T) end.

init(_) -> {ok, 0}.
handle_call(X, _From, S) -> {reply, X + 1, S}.
handle_cast(_, S) -> {noreply, S}.

calls(_, 0) -> ok;
calls(S, N) -> M = N + 1, M = gen_server:call(S, N, infinity), calls(S, N - 1).

%% ---- spawning ---------------------------------------------------------------

child(C, N, Me) ->
    receive I when is_integer(I) ->
        case atomics:add_get(C, 1, 1) of N -> Me ! done; _ -> ok end
    end.

spawn_n(0, _, _, _, _) -> ok;
spawn_n(K, I, N, C, Me) ->
    P = spawn(fun() -> child(C, N, Me) end),
    P ! I,
    spawn_n(K - 1, I + 1, N, C, Me).

batches(N, N, _, _) -> ok;
batches(I, N, C, Me) ->
    K = min(?BATCH, N - I),
    spawn_n(K, I, N, C, Me),
    self() ! next,
    receive next -> erlang:yield(), batches(I + K, N, C, Me) end.

alive(_Name, N, Then) ->
    Me = self(), C = atomics:new(1, []),
    Rss0 = rss_kb(),
    T = start(),
    Ps = [spawn(?MODULE, idle, [{C, Me, N}]) || _ <- lists:seq(1, N)],
    receive done -> ok end,
    Then(Ps, T, Rss0),
    ok.

idle({C, Me, N}) ->
    case atomics:add_get(C, 1, 1) of X when X rem N == 0 -> Me ! done; _ -> ok end,
    receive I when is_integer(I) -> idle({C, Me, N}) end.

%% ---- timers, big, echo ------------------------------------------------------

sleeper(0, _, _, _, _) -> ok;
sleeper(K, S, C, Total, Me) ->
    S2 = rand:mwc59(S),
    Ms = 1 + rand:mwc59_value32(S2) rem 1000,
    Due = now_ns() + Ms * 1000000,
    receive after Ms -> ok end,
    Late = now_ns() - Due,
    true = Late > -1000000,
    atomics:add(C, 2, max(0, Late div 1000)),
    case atomics:add_get(C, 1, 1) of Total -> Me ! done; _ -> ok end,
    sleeper(K - 1, S2, C, Total, Me).

big(Id, Ps, Size, S, Asked, Pings, Served, N, Me) ->
    receive
        {ping, From} ->
            element(From + 1, Ps) ! {pong, Id},
            big(Id, Ps, Size, S, Asked, Pings, Served + 1, N, Me);
        {pong, Asked} when Pings =:= N ->
            Me ! finished,
            big(Id, Ps, Size, S, Asked, Pings, Served, N, Me);
        {pong, Asked} ->
            S2 = rand:mwc59(S),
            T = rand:mwc59_value32(S2) rem Size,
            element(T + 1, Ps) ! {ping, Id},
            big(Id, Ps, Size, S2, T, Pings + 1, Served, N, Me);
        {served, P} ->
            P ! {served, Served}
    end.

accept(Name, L) ->
    {ok, C} = gen_tcp:accept(L),
    P = spawn_opt(fun() -> receive go -> echo(C) end end, place(Name, 0)),
    ok = gen_tcp:controlling_process(C, P),
    P ! go,
    accept(Name, L).

echo(C) ->
    case gen_tcp:recv(C, 0) of
        {ok, B} -> ok = gen_tcp:send(C, B), echo(C);
        {error, _} -> ok
    end.

echo_client(Port, N, Me) ->
    {ok, C} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {nodelay, true}]),
    Me ! connected,
    receive go -> rounds(C, N) end,
    Me ! done.

rounds(_, 0) -> ok;
rounds(C, N) ->
    B = <<N:(?ECHO_BYTES * 8)>>,
    ok = gen_tcp:send(C, B),
    {ok, B} = gen_tcp:recv(C, ?ECHO_BYTES),
    rounds(C, N - 1).
