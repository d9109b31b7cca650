%% SPDX-License-Identifier: MIT
%% tree.erl - small supervision trees, as OTP's supervisor runs them
%%
%% Reads scenarios from a file, one a line:
%%
%%     STRATEGY TIMES SHAPE TYPES STEP...
%%
%% and prints who starts, fails and stops. tree.c does the same.
-module(tree).
-behaviour(supervisor).
-export([main/1, init/1, start_child/1, init_child/1]).

main([File]) ->
    process_flag(trap_exit, true),
    {ok, Text} = file:read_file(File),
    Lines = string:split(string:trim(binary_to_list(Text)), "\n", all),
    lists:foreach(fun run/1, Lines),
    halt(0).

%% ---- a scenario

run(Line) ->
    io:format("~s~n", [Line]),
    [Strategy, Times, Shape, Types | Steps] = string:tokens(Line, " "),
    Children = shape(Shape, [type(T) || T <- Types]),
    {ok, Top} = supervisor:start_link(?MODULE,
        {list_to_atom(Strategy), list_to_integer(Times), Children}),
    lists:foreach(fun(Step) -> step(Top, Step) end, Steps),
    finish(Top).

type($p) -> permanent;
type($t) -> transient;
type($m) -> temporary.

shape("flat", [A, B, C]) ->
    [child(a, A), child(b, B), child(c, C)];
shape("inner_first", [A, B, C]) ->
    [inner([child(a, A), child(b, B)]), child(c, C)];
shape("inner_last", [A, B, C]) ->
    [child(c, C), inner([child(a, A), child(b, B)])].

child(Name, Type) ->
    #{id => Name, start => {?MODULE, start_child, [Name]}, restart => Type}.

inner(Children) ->
    #{id => inner, type => supervisor, restart => permanent,
      start => {supervisor, start_link,
                [?MODULE, {one_for_all, 1, Children}]}}.

init({Strategy, Times, Children}) ->
    {ok, {#{strategy => Strategy, intensity => Times, period => 3600},
          Children}}.

%% "fail:a"; waits until no supervisor knows the old process any more.
step(Top, Step) ->
    [What, Who] = [list_to_atom(S) || S <- string:split(Step, ":")],
    case whereis(Who) of
        undefined ->
            io:format("there is no ~s~n", [Who]);
        Pid ->
            Ref = monitor(process, Pid),
            Pid ! What,
            receive {'DOWN', Ref, process, Pid, _} -> ok end,
            await(Top, Pid)
    end.

await(Top, Pid) ->
    case is_process_alive(Top) andalso known(Top, Pid) of
        true -> timer:sleep(1), await(Top, Pid);
        false -> ok
    end.

%% Also true while a supervisor in the tree is being restarted.
known(Supervisor, Pid) ->
    try supervisor:which_children(Supervisor) of
        Children ->
            lists:any(fun({_, P, supervisor, _}) -> known(P, Pid);
                         ({_, P, _, _}) -> P =:= Pid
                      end, Children)
    catch exit:_ -> true
    end.

finish(Top) ->
    receive
        {'EXIT', Top, _} -> io:format("gave up~n~n")
    after 0 ->
        exit(Top, shutdown),
        receive {'EXIT', Top, _} -> io:format("stopped~n~n") end
    end.

%% ---- a child

start_child(Name) ->
    proc_lib:start_link(?MODULE, init_child, [Name]).

init_child(Name) ->
    process_flag(trap_exit, true),
    register(Name, self()),
    io:format("~s starts~n", [Name]),
    proc_lib:init_ack({ok, self()}),
    receive
        fail -> io:format("~s fails~n", [Name]), exit(on_purpose);
        'end' -> io:format("~s ends~n", [Name]);
        {'EXIT', _, Why} -> io:format("~s stops~n", [Name]), exit(Why)
    end.
