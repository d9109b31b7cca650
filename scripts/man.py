#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""man.py [--check] DIR - makes the manual pages of section 3 in DIR

They are made from the comments in include/heph: a paragraph of a header that
begins with a comment and declares something is a page, named after the first
name in it; the other names are pages that refer to it. A comment may begin with
the use of a typed verb, "heph_send(ctx, ref, message): waits ...": then the page
is that verb's. --check writes nothing, and fails if something public of C has
no page or no summary here.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADERS = ["typed", "message", "call", "group", "actor", "refs", "tree", "own", "time",
           "timer",
           "io", "process", "address", "net", "socket", "socket_msg", "packet", "file",
           "notify", "runtime", "config", "embed", "drivers", "test", "inbox", "oneshot",
           "watch", "inspect", "metrics", "log", "systemd"]
# Those with typed macros, and the macro that declares their types.
TYPED = {"typed": "HEPH_ACTOR", "inbox": "HEPH_CHAN", "oneshot": "HEPH_ONESHOT"}

# What the line NAME says.
SUMMARY = {
    "HEPH_ACTOR": "declare a type of actor, and say which function it is",
    "HEPH_PENDING": "a call that was started",
    "HEPH_CHAN": "declare a type of channel",
    "HEPH_ONESHOT": "declare a type of channel for one value",
    "HEPH_REPLY": "a member of a message: where the answer goes",
    "heph_accept": "take the next connection of a listening socket",
    "heph_actor_info": "what is known of an actor",
    "heph_alive": "whether an actor has not ended",
    "heph_alloc": "memory that is freed when the actor ends",
    "heph_answer": "answer a call",
    "heph_attach": "give a plain thread a context, and take it back",
    "heph_await": "wait for the answer of a started call",
    "heph_await_any_name": "wait until there is an actor of that name",
    "heph_await_name": "wait until there is an actor of that name",
    "heph_call_error": "the latest call that failed",
    "heph_call_error_text": "why a call failed, in words",
    "heph_call": "send a message and wait for the answer",
    "heph_call_all": "call all members of a group",
    "heph_call_any": "call a group and take the first answer",
    "heph_cast": "a typed reference from one to any actor",
    "heph_chan_capacity": "how many values there can be in a channel",
    "heph_chan_count": "how many values there are in a channel",
    "heph_chan_free": "give a handle of a channel back",
    "heph_chan_has_manager": "whether a channel has a manager",
    "heph_chan_is_connected": "whether the other side of a channel is there",
    "heph_chan_join": "wait until nobody can receive any more",
    "heph_chan_new": "make a channel",
    "heph_chan_new_receiver": "make the next receiver of a channel",
    "heph_chan_new_sender": "make one more sender of a channel",
    "heph_chan_peek": "wait for the next value, and leave it there",
    "heph_chan_recv": "wait for the next value of a channel",
    "heph_chan_same": "whether two handles are of the same channel",
    "heph_chan_send": "send a value into a channel",
    "heph_chan_try_peek": "see the next value, if there is one",
    "heph_chan_try_recv": "take a value from a channel if there is one",
    "heph_chan_try_send": "send a value into a channel if there is room",
    "heph_check": "panic if something does not hold",
    "heph_close": "close a descriptor",
    "heph_close_wait": "close a descriptor, and be told how that went",
    "heph_config_from_env": "options of a runtime from the environment",
    "heph_config_from_file": "options of a runtime from a file",
    "heph_config_of": "the options that a runtime uses",
    "heph_config_write": "write options of a runtime as a file would have them",
    "heph_connect": "connect to a TCP address",
    "heph_deadline": "until when a context is willing to wait",
    "heph_defer": "call a function when the actor ends",
    "heph_drain": "wait until no actor is left",
    "heph_driver_name": "the driver of a runtime",
    "heph_dump": "print all actors of a runtime",
    "heph_dump_by": "print all actors of a runtime, within an actor",
    "heph_each_type": "numbers of each type of actor",
    "heph_embed_ctx": "the context of the loop around an embedded runtime",
    "heph_embed_done": "whether an embedded runtime has no actors",
    "heph_embed_fd": "the descriptor that a foreign loop polls",
    "heph_embed_free": "end an embedded runtime",
    "heph_embed_new": "a runtime inside a foreign event loop",
    "heph_embed_run": "do what an embedded runtime has to do",
    "heph_embed_stop": "ask all actors of an embedded runtime to stop",
    "heph_embed_timeout": "how long a foreign loop may sleep",
    "heph_examine_uring": "whether io_uring can be used, and why not",
    "heph_expect": "the next message that a probe got",
    "heph_expect_none": "see that a probe got no message",
    "heph_fd_adopt": "take in a descriptor of the kernel",
    "heph_fd_duplicate": "a second descriptor for the same open file",
    "heph_fd_flags": "the flags of an open file",
    "heph_fd_discard": "close a descriptor that nobody took",
    "heph_fd_give": "hand a descriptor to another actor",
    "heph_fd_none": "whether a descriptor is none",
    "heph_fd_number": "the kernel's number of a descriptor",
    "heph_find_cycles": "actors that wait for one another for ever",
    "heph_for_caller": "a context that waits no longer than a caller does",
    "heph_forget_call": "give up a started call",
    "heph_forward": "let another actor answer a call",
    "heph_fd_take": "own a descriptor that was given",
    "heph_free": "end a runtime",
    "heph_group_add": "add an actor to a group",
    "heph_group_add_unique": "add an actor to a group once",
    "heph_group_at": "the n-th member of a group",
    "heph_group_by_key": "the member of a group that a key belongs to",
    "heph_group_count": "how many members a group has",
    "heph_group_extend": "add the members of another group",
    "heph_group_make_unique": "leave each member of a group once",
    "heph_group_remove": "remove an actor from a group",
    "heph_group_remove_gone": "remove members that have ended",
    "heph_hash": "a number for some bytes",
    "heph_id": "the number of an actor",
    "heph_host_info": "what can be told of the machine",
    "heph_inbox_info": "how full an inbox is",
    "heph_info_say": "what an actor does, in words",
    "heph_inspect": "visit all actors",
    "heph_inspect_from_outside": "visit all actors, by a thread without a context",
    "heph_join": "wait until an actor has ended",
    "heph_join_all": "wait until all members of a group have ended",
    "heph_listen": "open a listening TCP socket",
    "heph_listen_shared": "open a listening TCP socket for all workers",
    "heph_local_address": "the addresses of a connection",
    "heph_log": "log a line of a level",
    "heph_log_error": "log a line with keys and values",
    "heph_log_filter": "which lines are written, as a text",
    "heph_log_flush": "wait until all lines are written",
    "heph_log_level_of": "up to which level lines of a target are written",
    "heph_log_lost": "how many lines were lost or came too fast",
    "heph_log_on": "whether lines of a level are written at all",
    "heph_log_set_filter": "which lines are written, by target and level",
    "heph_log_set_level": "up to which level lines are written",
    "heph_log_set_rate": "how many lines a second one place may write",
    "heph_log_site_on": "whether lines of a place in the source are written",
    "heph_log_to": "write the log to a descriptor",
    "heph_log_to_fn": "give the lines of the log to a function",
    "heph_log_to_journal": "send the log to the journal",
    "heph_log_write": "log a line, as the macros do",
    "heph_map": "an adapter: a reference that takes other messages",
    "heph_metrics_write": "all numbers in the format of Prometheus",
    "heph_name": "the name of the running actor",
    "heph_names": "list the names of actors",
    "heph_new": "start a runtime",
    "heph_no_ctx": "a context for threads without a runtime",
    "heph_now": "the time",
    "heph_on_answer": "a clause of heph_wait(): a started call was answered",
    "heph_on_msg": "a clause of heph_wait(): a message",
    "heph_on_readable": "a clause of heph_wait(): a descriptor can be read",
    "heph_on_room": "a clause of heph_wait(): an inbox has room",
    "heph_on_signal": "a clause of heph_wait(): a signal",
    "heph_on_time": "a clause of heph_wait(): a moment",
    "heph_on_writable": "a clause of heph_wait(): a descriptor can be written",
    "heph_oneshot_free": "give a handle of a oneshot back",
    "heph_oneshot_is_connected": "whether the other side of a oneshot is there",
    "heph_oneshot_new": "make a channel for one value",
    "heph_oneshot_recv": "wait for the value of a oneshot",
    "heph_oneshot_reset": "use a oneshot once more",
    "heph_oneshot_same": "whether two handles are of the same oneshot",
    "heph_oneshot_send": "send the value of a oneshot",
    "heph_oneshot_try_recv": "take the value of a oneshot, if it is there",
    "heph_on_signal_from": "wait for a signal, and hear who has sent it",
    "heph_own": "free something when the actor ends",
    "heph_panic": "end the running actor as a failure",
    "heph_peek": "look at the next message",
    "heph_pipe": "make a pipe",
    "heph_pipe_size": "how much a pipe holds",
    "heph_post": "send a message, or drop it",
    "heph_probe": "an actor that keeps its messages for a test",
    "heph_process_end": "end a child process",
    "heph_process_kill": "send a signal to a child process",
    "heph_process_run": "run a child process to its end",
    "heph_process_start": "start a child process",
    "heph_process_wait": "wait until a child process has ended",
    "heph_read": "read from a descriptor",
    "heph_read_exact": "read so many bytes from a descriptor",
    "heph_recv": "wait for the next message",
    "heph_recv_where": "wait for the oldest message that matches",
    "heph_ref_of": "the actor with a number",
    "heph_register": "give an actor a name",
    "heph_reply_wanted": "whether the caller still waits",
    "heph_run": "run a program: a runtime with one actor in it",
    "heph_run_on_each": "run an actor on each worker",
    "heph_runtime": "the runtime of a context",
    "heph_same": "whether two references are to the same actor",
    "heph_self": "a reference to the running actor",
    "heph_cancel_timer": "a message that was to be sent later is not",
    "heph_interval": "something that happens again and again",
    "heph_send_after": "send a message later",
    "heph_send_timer": "send a message later, unless it is cancelled",
    "heph_on_tick": "a clause about the next tick of an interval",
    "heph_tick": "wait for the next tick of an interval",
    "heph_timer_left": "how long it is until a message is sent",
    "heph_send": "send a message to an actor",
    "heph_send_all": "send a message to all members of a group",
    "heph_send_by_key": "send a message to the member that a key belongs to",
    "heph_send_one": "send a message to one member of a group",
    "heph_serve": "spawn an actor for each connection",
    "heph_serve_on_each": "spawn an actor for each connection, on all workers",
    "heph_shield": "a context whose waits go on after a stop",
    "heph_shutdown": "end one half of a connection",
    "heph_signal_name": "the name of a signal",
    "heph_signal_number": "the signal of that name",
    "heph_size_of": "how large an actor is",
    "heph_sleep": "wait for some time",
    "heph_spawn": "start an actor",
    "heph_start_call": "begin a call, and wait for its answer later",
    "heph_state_name": "a word for a state or a wait of an actor",
    "heph_stats": "numbers of a runtime",
    "heph_monitor": "be told when an actor has ended",
    "heph_demonitor": "undo a monitor",
    "heph_on_down": "wait for the end of a monitored actor",
    "heph_on_join": "wait for the end of an actor, or for something else",
    "heph_link": "let two actors fail together",
    "heph_stdin": "the standard streams of the process",
    "heph_try_peek": "look at the next message, if there is one",
    "heph_try_recv_where": "take the oldest message that matches, if there is one",
    "heph_unlink": "undo a link of two actors",
    "heph_trap_exits": "get the ends of linked actors as downs",
    "heph_histogram_at": "a percentile of measured times",
    "heph_hold": "keep an actor from ending",
    "heph_release": "give a hold of an actor back",
    "heph_scope_open": "begin a part of an actor that ends before it",
    "heph_scope_close": "end a part of an actor",
    "heph_scope_join": "wait until the actors of a scope have ended",
    "heph_stop": "ask an actor to stop",
    "heph_stop_all": "ask all members of a group to stop",
    "heph_stopping": "whether the running actor was asked to stop",
    "heph_strdup": "copy a string into memory of the actor",
    "heph_systemd_barrier": "wait until the service manager has seen all that was told",
    "heph_systemd_close": "end the connection to the service manager",
    "heph_systemd_connect": "connect to the socket of a service manager",
    "heph_systemd_errno": "tell the service manager an error",
    "heph_systemd_extend": "ask the service manager for more time",
    "heph_systemd_from_terminate": "other messages for the actor that talks to the service manager",
    "heph_systemd_main_pid": "tell the service manager the process of the service",
    "heph_systemd_notify": "tell the service manager anything",
    "heph_systemd_open": "connect to the service manager",
    "heph_systemd_ping": "give the service manager a sign of life, or none",
    "heph_systemd_state": "tell the service manager that the program is ready, reloads or stops",
    "heph_systemd_status": "tell the service manager what the program is at",
    "heph_systemd_store": "have the service manager keep a descriptor",
    "heph_systemd_unstore": "have the service manager forget a descriptor",
    "heph_test_lose": "lose messages, for tests",
    "heph_test_lost": "how many messages were lost on purpose",
    "heph_supervise": "restart children that fail, and end them",
    "heph_on_tree": "a clause of heph_wait(): a child has failed",
    "heph_tree_step": "do what there is to do about children",
    "heph_tree_end_child": "end a child, or restart it",
    "heph_tree_count": "the children of a supervisor",
    "heph_test_advance": "let virtual time pass",
    "heph_test_ctx": "the context of a test",
    "heph_test_failure": "an actor's failure, as a test sees it",
    "heph_test_failures": "how many actors have failed in a test",
    "heph_test_free": "end a test runtime",
    "heph_test_new": "a runtime that a test steps by hand",
    "heph_test_run": "run actors until none can",
    "heph_test_signal": "bring a signal to the actors of a test",
    "heph_test_state": "what an actor waits for, in words",
    "heph_test_step": "run one actor until it waits",
    "heph_try_recv": "take a message if there is one",
    "heph_try_send": "send a message if there is room",
    "heph_try_send_all": "send a message to all members that have room",
    "heph_try_send_one": "send a message to a member that has room",
    "heph_type_stats": "numbers of a type of actor",
    "heph_unmap": "end an adapter",
    "heph_unregister": "give up the name of an actor",
    "heph_until": "a context that waits until a moment at most",
    "heph_wait": "wait for several things at once",
    "heph_whereis": "find an actor by its name",
    "heph_whereis_any": "find an actor of any type by its name",
    "heph_within": "a context that waits for some time at most",
    "heph_worker": "the number of the worker",
    "heph_worker_stats": "numbers of a worker",
    "heph_workers": "how many workers there are",
    "heph_write": "write to a descriptor",
    "heph_write_all": "write all bytes to a descriptor",
    "heph_write_exact": "write so many bytes to a descriptor",
    "heph_yield": "let other actors run",
    "heph_at": "a name that is looked up from a directory",
    "heph_chmod": "set the permissions of a file",
    "heph_chown": "set the owner and the group of a file",
    "heph_dir_next": "take apart what was read of a directory",
    "heph_dir_read": "read the next entries of a directory",
    "heph_dir_rewind": "begin again with the first entry of a directory",
    "heph_file_advise": "say how some of a file will be used",
    "heph_file_allocate": "reserve room for a file, or give it back",
    "heph_file_lock": "lock some bytes of a file",
    "heph_file_seek": "move the position of a file",
    "heph_file_sync": "wait until a file is on the disk",
    "heph_file_sync_data": "wait until the contents of a file are on the disk",
    "heph_file_truncate": "set the size of a file",
    "heph_file_try_lock": "lock some bytes of a file if nobody else has",
    "heph_file_unlock": "give a lock of a file back",
    "heph_hard_link": "give a file a further name",
    "heph_memory_advise": "say how memory will be used",
    "heph_mkdir": "make a directory",
    "heph_mkdir_all": "make a directory and those above it",
    "heph_mkdtemp": "make a directory with a name that nobody has",
    "heph_mkstemp": "make a file with a name that nobody has",
    "heph_nofollow": "a symbolic link itself",
    "heph_open": "open a file",
    "heph_open_temporary": "open a file that has no name",
    "heph_read_link": "where a symbolic link leads to",
    "heph_remove": "remove a name of a file",
    "heph_remove_all": "remove a directory with all that is in it",
    "heph_rename": "give a file another name",
    "heph_rmdir": "remove an empty directory",
    "heph_stat": "what the file system knows of a file",
    "heph_symlink": "make a symbolic link",
    "heph_utimes": "set the times of a file",
    "heph_xattr_get": "the value of an extended attribute",
    "heph_xattr_list": "the names of all extended attributes",
    "heph_xattr_remove": "remove an extended attribute",
    "heph_xattr_set": "set an extended attribute",
    "heph_notify_add": "watch a file or a directory",
    "heph_notify_close": "free a watcher of files",
    "heph_notify_fd": "the descriptor of a watcher of files",
    "heph_notify_next": "wait for something to happen to a file",
    "heph_notify_open": "make a watcher of files",
    "heph_notify_remove": "no longer watch a file or a directory",
    "heph_copy_file": "copy a file",
    "heph_file_copy": "copy from one descriptor to another, to the end",
    "heph_file_copy_range": "have the kernel copy some of a file",
    "heph_splice": "move bytes through a pipe",
    "heph_accept_from": "take one connection, with the address of its peer",
    "heph_address_parse": "read the address of a socket",
    "heph_address_port": "the port of an address",
    "heph_address_print": "write the address of a socket",
    "heph_address_same": "whether two addresses are the same",
    "heph_address_set_port": "change the port of an address",
    "heph_connect_to": "connect to an address",
    "heph_packet_answer": "answer a packet",
    "heph_serve_packets": "spawn an actor for each peer that sends packets",
    "heph_packet_drop": "free a packet",
    "heph_packets_stats": "what a server of packets has done",
    "heph_serve_stats": "what a server has done",
    "heph_socket_bind": "give a socket an address",
    "heph_socket_connect": "connect a socket",
    "heph_socket_get": "read an option of a socket",
    "heph_socket_get_bytes": "read an option of a socket, as the kernel has it",
    "heph_socket_join": "join a multicast group",
    "heph_socket_leave": "leave a multicast group",
    "heph_socket_listen": "let a socket listen",
    "heph_socket_local": "the address of a socket",
    "heph_socket_open": "make a socket",
    "heph_socket_option_name": "the name of an option of sockets",
    "heph_socket_pair": "make two connected sockets",
    "heph_socket_peer": "the address of the peer of a socket",
    "heph_socket_peer_credentials": "who has made the other end of a Unix socket",
    "heph_socket_recv": "receive from a socket",
    "heph_socket_recv_exact": "receive exactly so many bytes",
    "heph_socket_recv_from": "receive a packet, and whence it came",
    "heph_socket_recvmsg": "receive a message with all that belongs to it",
    "heph_socket_recvv": "receive into several buffers",
    "heph_socket_recvv_exact": "fill several buffers from a socket",
    "heph_socket_send": "send on a socket",
    "heph_socket_send_exact": "send all bytes",
    "heph_socket_send_to": "send a packet to an address",
    "heph_socket_sendmsg": "send a message with all that belongs to it",
    "heph_socket_sendv": "send from several buffers",
    "heph_socket_sendv_exact": "send all bytes of several buffers",
    "heph_socket_set": "set an option of a socket",
    "heph_socket_set_bytes": "set an option of a socket, as the kernel has it",
}

# Structs and constants that belong to a page: words of their definition.
TYPES = {
    "heph_spawn": ["enum { HEPH_HERE", "enum { HEPH_LOW", "enum heph_verdict {",
                   "struct heph_restarts {", "enum heph_restart_type {",
                   "#define HEPH_OPTIONS__"],
    "heph_supervise": ["enum heph_strategy {", "struct heph_tree {"],
    "heph_tree_count": ["enum heph_child_state {", "struct heph_child_info {"],
    "heph_join": ["struct heph_exit {"],
    "heph_monitor": ["struct heph_down {"],
    "heph_scope_open": ["struct heph_scope {"],
    "heph_new": ["struct heph_config {"],
    "heph_config_from_file": ["struct heph_config_text {"],
    "heph_host_info": ["#define HEPH_VERSION", "struct heph_host {"],
    "heph_stats": ["struct heph_stats {"],
    "heph_type_stats": ["struct heph_type_stats {"],
    "heph_inbox_info": ["struct heph_inbox_info {"],
    "heph_fd_give": ["struct heph_fd_handle {"],
    "heph_send": ["HEPH_INBOX_DEFAULT ="],
    "heph_call_all": ["struct heph_call_results {"],
    "heph_start_call": ["struct heph_pending {"],
    "heph_address_parse": ["struct heph_address {"],
    "heph_serve": ["#define HEPH_SERVE_OPTIONS__"],
    "heph_serve_stats": ["struct heph_serve_stats {"],
    "heph_serve_packets": ["#define HEPH_PACKETS_OPTIONS__"],
    "heph_packet_drop": ["struct heph_packet {"],
    "heph_packets_stats": ["struct heph_packets_stats {"],
    "heph_socket_set": ["enum heph_socket_option {"],
    "heph_socket_recvmsg": ["struct heph_socket_msg {", "struct heph_packet_info {", "struct heph_packet_error {"],
    "heph_call_error": ["struct heph_call_failure {"],
    "heph_actor_info": ["struct heph_actor_info {"],
    "heph_state_name": ["enum heph_actor_state {", "enum heph_wait_kind {"],
    "heph_inspect": ["struct heph_inspect_filter {", "typedef bool heph_inspect_fn"],
    "heph_find_cycles": ["struct heph_cycle {", "typedef bool heph_cycle_fn"],
    "heph_histogram_at": ["struct heph_histogram {"],
    "heph_worker_stats": ["struct heph_worker_stats {"],
    "heph_each_type": ["struct heph_type_metrics {", "typedef bool heph_type_fn"],
}

# Verbs of typed.h whose use is told in no comment that begins with it.
USES = {
    "heph_send_timer": "heph_send_timer(ctx, &timer, ref, length, message)",
    "heph_expect_where": "heph_expect_where(test, ref, &msg, member, value)",
    "heph_expect_within": "heph_expect_within(test, length, ref, &msg)",
    "heph_on_msg": "heph_on_msg(in, &msg)",
    "heph_on_msg_where": "heph_on_msg_where(in, &msg, member, value)",
    "heph_carry_reply": "heph_carry_reply(to->member, from->member);",
    "heph_map_owning": "heph_map_owning(ctx, &ret_ref, target, fn, drop[, value])",
    "heph_on_chan": "heph_on_chan(rx, &value)",
    "heph_chan_new_managed": "heph_chan_new_managed(NAME, capacity, &manager, "
                             "&tx, &rx)",
    "HEPH_CHAN": "HEPH_CHAN(NAME, struct type[, drop]);",
    "HEPH_ONESHOT": "HEPH_ONESHOT(NAME, struct type[, drop]);",
    "heph_on_oneshot": "heph_on_oneshot(rx, &value)",
    "heph_peer_member": "heph_peer_member(NAME, member)",
    "heph_serve_on_each": "heph_serve_on_each(ctx, listener, NAME, member"
                          "[, argument][, .option = ...])",
    "HEPH_ACTOR": "HEPH_ACTOR(NAME, struct NAME_msg, struct NAME_arg);",
    "HEPH_ACTOR_MAIN": "HEPH_ACTOR_MAIN(NAME, NAME_main[, .drop = ...]"
                       "[, .drop_arg = ...]);",
    "HEPH_PENDING": "HEPH_PENDING(type) pending;",
    "HEPH_REPLY": "HEPH_REPLY(type) member;",
}

# Verbs that are told of on the page of another one.
PARTS = {
    "heph_send_after": ["heph_send_timer"],
    "heph_expect": ["heph_expect_within", "heph_expect_where"],
    "heph_serve": ["heph_peer_member"],
    "heph_chan_new": ["heph_chan_new_managed"],
    "heph_map": ["heph_carry_reply", "heph_map_owning"],
    "heph_wait": ["heph_on_msg", "heph_on_msg_where", "heph_on_chan", "heph_on_oneshot"],
}

# Headers whose first comment holds for each of their functions.
NOTES = ["message", "watch", "own", "time", "io", "address", "socket", "socket_msg", "file", "notify"]


# ---- reading the headers ----------------------------------------------------------


class Paragraph:
    """Lines of a header between two empty ones: a comment, then code."""

    def __init__(self, header, text):
        self.header = header
        match = re.match(r"\s*/\*(.*?)\*/[ \t]*\n?(.*)", text, re.S)
        self.comment = clean(match.group(1)) if match else ""
        self.code = (match.group(2) if match else text).strip("\n")
        self.use = None
        use = re.match(r"(heph_\w+)(\(.*?\)(?:\[.*?\])*):\s+", self.comment, re.S)
        if use:
            self.use = use.group(1)
            USES.setdefault(self.use, re.sub(r"\s+", " ", use.group(1) + use.group(2)))
            self.comment = self.comment[use.end():]
            self.comment = self.comment[:1].upper() + self.comment[1:]

    def names(self):
        """The functions and macros that are declared here."""
        found = re.findall(r"^#define (heph_[a-z_]+)\(", self.code, re.M)
        for statement in re.split(r";|\n\{.*?\n\}", self.code, flags=re.S):
            match = re.search(r"(?:HEPH_API|static inline)\b.*?\b(heph_\w+)\(",
                              statement, re.S)
            if match and not match.group(1).endswith("__"):
                found.append(match.group(1))
        return list(dict.fromkeys(found))


def clean(comment):
    """The text of a comment without its stars."""
    lines = [re.sub(r"^\s*\*? ?", "", line) if number else line.strip()
             for number, line in enumerate(comment.split("\n"))]
    return "\n".join(line.rstrip() for line in lines).strip()


def paragraphs(header):
    path = f"{ROOT}/include/heph/{header}.h"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = text.split("\n", 1)[1]  # without the licence
    text = re.sub(r"/\* ---- .*? -+ \*/\n", "\n", text)
    out, now, depth = [], [], 0
    for line in text.split("\n"):
        depth += line.count("/*") - line.count("*/")
        if not line.startswith('extern "C"'):
            depth = max(depth + line.count("{") - line.count("}"), 0)
        if line.strip() or depth > 0:
            now.append(line)
            continue
        if now:
            out.append(Paragraph(header, "\n".join(now)))
        now = []
    return out


def verbs():
    """The typed macros."""
    text = ""
    for header in [*TYPED, "test"]:
        with open(f"{ROOT}/include/heph/{header}.h", encoding="utf-8") as file:
            text += file.read()
    return [name for name in re.findall(r"^#define (heph_\w+|HEPH_\w+)\(", text, re.M)
            if not name.endswith("__") and name not in ("HEPH_REF", "heph_chan_same", "heph_oneshot_same",
                                                        "heph_chan_id")]


# ---- pages ---------------------------------------------------------------------------


class Page:
    def __init__(self, name, header, text):
        self.name, self.header, self.text = name, header, text
        self.others, self.synopsis, self.types, self.notes = [], [], [], ""


def declaration(code, name):
    """The declaration of a function in C, or the use of a macro."""
    macro = re.search(rf"^#define ({name}\([^)]*\))", code, re.M)
    if macro:
        return macro.group(1)
    for statement in re.split(r";|\n\{.*?\n\}", code, flags=re.S):
        match = re.search(rf"(?:HEPH_API|static inline)\s+(.*\b{name}\(.*)", statement,
                          re.S)
        if not match:
            continue
        text = re.sub(r"\s*__attribute__\(\(.*?\)\)\)*$", "", match.group(1), flags=re.S)
        text = re.sub(r"\b(HEPH_MUST|HEPH_NORETURN)\s+", "", text)
        return re.sub(r"\s+", " ", text).strip() + ";"
    return None


def typed_name(name, known):
    typed = name.replace("heph_raw_", "heph_")
    return typed if typed != name and typed in known else None


def build():
    """All pages, by name; and of which page another name is a part."""
    known = set(verbs())
    all_paragraphs = [p for header in ["types"] + HEADERS for p in paragraphs(header)]
    pages, part_of, before = {}, {}, ""

    for paragraph in all_paragraphs:
        names = paragraph.names()
        names = [n for n in names if n not in known]
        if paragraph.header == "typed" or not names:
            continue
        first = paragraph.use or typed_name(names[0], known) or names[0]
        text = re.sub(r"^[Tt]he same\b", f"The same as {before}()", paragraph.comment)
        page = pages.setdefault(first, Page(first, paragraph.header, text))
        before = first
        if first in USES:
            page.synopsis.append(USES[first])
        for name in names:
            page.synopsis.append(declaration(paragraph.code, name))
            if name != first:
                page.others.append(name)
                part_of[name] = first
    add_typed(pages, part_of, all_paragraphs)
    for name, marks in TYPES.items():
        pages[name].types = [definition(p.code) for p in all_paragraphs
                             if p.header != "typed" and any(m in p.code for m in marks)]
    pages["heph_stats"].text = next(p.comment for p in all_paragraphs
                                    if "struct heph_stats {" in p.code)
    for page in pages.values():
        if page.header in NOTES:
            head = next(p for p in all_paragraphs if p.header == page.header)
            page.notes = head.comment.split("\n", 1)[1].strip()
    return pages, part_of, known


def add_typed(pages, part_of, all_paragraphs):
    """Pages whose text is the head of typed.h, or another page's."""
    for header, name in TYPED.items():
        head = next(p for p in all_paragraphs if p.header == header)
        page = pages[name] = Page(name, header, head.comment.split("\n", 1)[1].strip())
        page.synopsis = [USES[name]]
    actor = pages["HEPH_ACTOR"]
    actor.synopsis.append(USES["HEPH_ACTOR_MAIN"])
    actor.others, part_of["HEPH_ACTOR_MAIN"] = ["HEPH_ACTOR_MAIN"], "HEPH_ACTOR"
    for name in ("HEPH_REPLY", "HEPH_PENDING"):
        member = next(p for p in all_paragraphs if f"#define {name}(" in p.code)
        pages[name] = Page(name, "typed", member.comment)
        pages[name].synopsis = [USES[name]]
    for name, others in PARTS.items():
        for number, other in enumerate(others):
            pages[name].others.append(other)
            pages[name].synopsis.insert(number + 1, USES[other])
            part_of[other] = name
    use = next((p.comment for p in all_paragraphs if p.header == "typed" and
                p.comment.startswith("heph_spawn(")), None)
    if use:
        pages["heph_spawn"].synopsis.insert(0, re.sub(r"\s+", " ", use))


def definition(code):
    """A struct as it stands, or the members that a macro lists."""
    if "#define HEPH_OPTIONS__" in code:
        code = re.search(r"#define HEPH_OPTIONS__(.*?[^\\])\n(?=\n|struct)", code + "\n\n",
                         re.S).group(1)
        lines = "\n".join(line.rstrip("\\ \t") for line in code.split("\n")).rstrip()
        return "struct heph_options {" + lines.replace(" restart /*", " restart; /*") + "\n};"
    return code.strip()


# ---- troff ------------------------------------------------------------------------------


def escape(text):
    text = text.replace("\\", "\\e")
    text = text.replace("-", "\\-") if text.startswith("-E") else text
    return text


def inline(text):
    """A line of prose: `code`, names with () or _, errors."""
    out = escape(text)
    out = re.sub(r"`([^`]+)`", lambda m: "\\fB" + m.group(1) + "\\fR", out)
    out = re.sub(r"(?<![\\\w])-(E[A-Z0-9]{2,})\b", r"\\fB\\-\1\\fR", out)
    out = re.sub(r"\b(heph_[a-z_]+)\(\)", r"\\fB\1\\fR()", out)
    out = re.sub(r"(?<![\\f\w])(HEPH_[A-Z_]+)\b", r"\\fB\1\\fR", out)
    return "\\&" + out if out[:1] in ".'" else out


def verbatim(lines):
    out = [".PP", ".in +4n", ".EX"]
    for line in lines:
        line = line.replace("\\", "\\e").replace("-", "\\-").expandtabs(8)
        out.append("\\&" + line if line[:1] in ".'" else line)
    return out + [".EE", ".in"]


def prose(text):
    """Paragraphs; what is indented stays as it is."""
    out = []
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.split("\n") if line.strip()]
        while lines:
            indented = lines[0].startswith("    ")
            part = []
            while lines and lines[0].startswith("    ") == indented:
                part.append(lines.pop(0))
            if indented:
                smallest = min(len(l) - len(l.lstrip()) for l in part)
                out += verbatim([l[smallest:] for l in part])
            else:
                out += [".PP"] + [inline(line.strip()) for line in part]
    return out


def split_returns(text):
    """The sentence that begins with "Returns", and the rest."""
    match = re.search(r"(?:^|(?<=[.\n] )|(?<=\n))Returns\b.*?\.(?=\s+[A-Z`]|\s*$)", text,
                      re.S)
    if not match:
        return None, text
    rest = (text[:match.start()].rstrip(" ") + "\n" +
            text[match.end():].lstrip(" ")).strip("\n")
    return match.group(0), rest


def synopsis(page):
    header = page.header if page.header in ("embed", "test") else "heph"
    out = [".SH SYNOPSIS", ".nf", f".B #include <heph/{header}.h>", ".PP"]
    for line in dict.fromkeys(page.synopsis):
        wrapped = re.sub(r"(.{1,68})(?: |$)", r"\1\n", line).strip("\n").split("\n")
        for number, part in enumerate(wrapped):
            part = part.replace("\\", "\\e").replace("-", "\\-")
            out.append(".BI \"" + ("    " if number else "") +
                       part.replace('"', "\\(dq") + "\"")
    return out + [".fi"]


def see_also(page, pages):
    near = [p.name for p in pages.values() if p.header == page.header and p is not page]
    lines = [f".BR {name} (3)," for name in sorted(near, key=str.lower)]
    return [".SH SEE ALSO"] + lines + [".BR heph (7)"]


def render(page, pages):
    returns, text = split_returns(page.text)
    names = ", ".join([page.name] + [n for n in page.others if "_raw_" not in n])
    out = ['.\\" Made by scripts/man.py from include/heph/' + page.header + ".h",
           f'.TH {page.name} 3 "" "Heph" "Heph"', ".SH NAME",
           names + " \\- " + SUMMARY.get(page.name, page.name)]
    out += synopsis(page)
    if text.strip():
        out += [".SH DESCRIPTION"] + prose(text)[1:]
    if returns:
        out += [".SH RETURN VALUE"] + prose(returns)[1:]
    if page.types:
        out += [".SH TYPES"]
        for number, code in enumerate(page.types):
            out += verbatim(code.split("\n"))[0 if number else 1:]
    if page.notes:
        out += [".SH NOTES"] + prose(page.notes)[1:]
    out += see_also(page, pages)
    return "\n".join(out) + "\n"


# ---- all ----------------------------------------------------------------------------------


def public():
    """Every name of a function or a verb that C programs may use."""
    names = set(verbs())
    for header in HEADERS:
        with open(f"{ROOT}/include/heph/{header}.h", encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
        for match in re.finditer(r"\bHEPH_API\b[^;{]*?\b(heph_\w+)\(", text):
            names.add(match.group(1))
        names |= set(re.findall(r"^static inline [^(]*?\b(heph_[a-z_]+)\(", text, re.M))
        names |= set(re.findall(r"^#define (heph_[a-z_]+)\(", text, re.M))
    return {n for n in names if not n.endswith("__")}


def check(pages, part_of):
    problems = [f"{name} has no page" for name in sorted(public())
                if name not in pages and name not in part_of]
    problems += [f"{name} has no summary in scripts/man.py" for name in sorted(pages)
                 if name not in SUMMARY]
    problems += [f"{name}: a summary, but no page" for name in sorted(SUMMARY)
                 if name not in pages and name not in part_of]
    problems += [f"{name} has no text" for name, page in sorted(pages.items())
                 if not page.text.strip()]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def write(directory, name, text):
    with open(f"{directory}/{name}.3", "w", encoding="utf-8") as file:
        file.write(text)


def main():
    pages, part_of, _ = build()
    if sys.argv[1] == "--check":
        return check(pages, part_of)
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    for name in os.listdir(directory):
        os.unlink(f"{directory}/{name}")
    for page in pages.values():
        write(directory, page.name, render(page, pages))
    for name, page in part_of.items():
        write(directory, name, f".so man3/{page}.3\n")
    os.utime(directory)
    return 0


sys.exit(main())
