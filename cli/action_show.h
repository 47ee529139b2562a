/*
 * action_show: actions and validator sets as a home's store has them, for the verbs that read and
 * those that propose.
 */
#ifndef HEFU_CLI_ACTION_SHOW_H
#define HEFU_CLI_ACTION_SHOW_H

#include "cli/home.h"
#include "ledger/state.h"

/* The set of the newest epoch in the store. NOT_FOUND or CORRUPT. */
enum status action_read_roster(struct home *home, struct roster *ret_roster) MUST_USE;

/* 64 hexadecimal digits; false, told, otherwise. */
bool action_id_parse(const char *text, struct hash *ret_id);

#endif
