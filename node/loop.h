/*
 * loop: the running node: it opens what the configuration names, carries node_io out on LMDB, nng
 * and the system's clocks, and runs the core thread's passes:
 *
 *   wait ─► take what came ─► replica ─► timers ─► LMDB commit ─► register ─► frames leave
 *
 * Nothing leaves the process before everything of its pass is durable.
 */
#ifndef HEFU_NODE_LOOP_H
#define HEFU_NODE_LOOP_H

#include <stddef.h>

#include "base/status.h"
#include "node/config.h"

/* Runs until SIGTERM or SIGINT (OK), or until it cannot go on; ret_error then says what, where, and
   what to do. Signals must not have been blocked or handled by the caller; threads are started in
   here. */
enum status loop_run(const struct config *config, char *ret_error, size_t capacity) MUST_USE;

#endif
