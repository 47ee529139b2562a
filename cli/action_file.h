/*
 * action_file: an action as people write it, a JSON file, into the action that is signed
 * (docs/integrating.md, Actions):
 *
 *   {"action": "validators", "epoch": 1,
 *    "add":     [{"name", "participant", "key", "transport_key"}],
 *    "remove":  [{"key" or "name"}],
 *    "replace": [{"key" or "name", "new_key", "new_transport_key", "new_name"}]}
 *
 * A member may be named by its name, and the epoch left out, if the present set is given.
 */
#ifndef HEFU_CLI_ACTION_FILE_H
#define HEFU_CLI_ACTION_FILE_H

#include <stddef.h>

#include "cli/action_body.h"
#include "cli/names.h"
#include "ledger/action.h"
#include "ledger/state.h"

/* Of kinds 5 to 12 (action_body.h) ret_action has the kind alone and ret_body the whole; of
   validators ret_body has length 0. Reads text; source names it in errors. roster: the present set,
   or NULL. An epoch that is neither given nor known from roster is 0. MALFORMED; ret_error says
   where and what was expected. */
enum status action_text_read(const char *text, size_t length, const char *source,
                             const struct names *names, const struct roster *roster,
                             struct action *ret_action, struct action_body *ret_body,
                             char *ret_error, size_t capacity) MUST_USE;
/* The same for a file. Also NOT_FOUND, DENIED, IO, OVERSIZED. */
enum status action_file_read(const char *path, const struct names *names,
                             const struct roster *roster, struct action *ret_action,
                             struct action_body *ret_body, char *ret_error,
                             size_t capacity) MUST_USE;

#endif
