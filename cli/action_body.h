/*
 * action_body: actions about participants, rules and cycles (kinds 5 to 12), from JSON into the
 * bytes that are signed, and back into words (docs/formats.md, Bodies of actions 5 to 12;
 * docs/integrating.md, Actions). Rows are written as genesis.json writes them.
 */
#ifndef HEFU_CLI_ACTION_BODY_H
#define HEFU_CLI_ACTION_BODY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/names.h"
#include "ledger/action.h"

/* Longer than any body: a scheme with all its fee rules, a calendar with all its days. */
#define ACTION_BODY_BYTES_MAX 4096

/* With its head; length 0: the action is of a kind that action_encode writes. */
struct action_body {
    uint32_t length;
    uint8_t bytes[ACTION_BODY_BYTES_MAX];
};

/* root, an object, with "action": one of the kinds 5 to 12 in lower case. MALFORMED; ret_error says
   what was expected where. */
enum status action_body_read(json_t *root, const char *source, const struct names *names,
                             struct action_body *ret_body, char *ret_error,
                             size_t capacity) MUST_USE;
/* The kind of that name, 5 to 12, or 0. */
uint16_t action_body_kind(const char *name);

/* What such a body changes, as one line. MALFORMED for a body that is none. */
enum status action_body_words(struct span body, const struct names *names, char *ret_text,
                              size_t capacity) MUST_USE;

#endif
