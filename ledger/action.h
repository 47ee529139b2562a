/*
 * action: the rare decisions that people take about the network itself, as the body of a batch of
 * kind action (docs/formats.md, Actions; docs/ledger.md, Actions). This is the codec alone: pure
 * form, no state. Body = version u16, kind u16, reserved u32, then per kind:
 *
 *   APPROVE, DISAPPROVE, READY   action id 32
 *   VALIDATORS                   epoch u64, count u32, reserved u32, count times a change of 136
 *
 * An action is named by the id of the batch that proposed it.
 */
#ifndef HEFU_LEDGER_ACTION_H
#define HEFU_LEDGER_ACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/keys.h"
#include "base/status.h"

#define ACTION_VERSION 1
/* Of any batch that is not of records; a longer one is refused before anything looks at it. */
#define BATCH_BODY_BYTES_MAX (64u * 1024)
#define ACTION_HEAD_BYTES 8
/* Changes that one VALIDATORS action may hold; a larger move takes several epochs. */
#define ACTION_CHANGES_MAX 32
#define ACTION_CHANGE_BYTES 136
/* The longest body that has a meaning; every kind is below it. */
#define ACTION_BYTES_MAX (ACTION_HEAD_BYTES + 16 + ACTION_CHANGES_MAX * ACTION_CHANGE_BYTES)

/* Numbers are stable. */
enum action_kind {
    ACTION_APPROVE = 1,
    ACTION_DISAPPROVE = 2,
    ACTION_VALIDATORS = 3,
    ACTION_READY = 4,
    ACTION_PARTICIPANT = 5,
    ACTION_KEYS = 6,
    ACTION_STANDING = 7,
    ACTION_LIMIT = 8,
    ACTION_SERVICE = 9,
    ACTION_SCHEME = 10,
    ACTION_PARAMETERS = 11,
    ACTION_CYCLE = 12,
};

enum change_op { CHANGE_ADD = 1, CHANGE_REMOVE = 2, CHANGE_REPLACE = 3 };

/* One change of the validator set. What its op does not use is zero. */
struct action_change {
    uint32_t op;                        /* enum change_op */
    uint32_t participant;               /* ADD: the owner */
    struct public_key old_key;          /* REMOVE, REPLACE: the member */
    struct public_key key;              /* ADD, REPLACE */
    struct transport_key transport_key; /* ADD, REPLACE */
    char name[32];                      /* ADD; REPLACE: zero keeps the old one */
};

struct action {
    uint16_t kind;       /* enum action_kind */
    struct hash subject; /* APPROVE, DISAPPROVE, READY: the action's id */
    /* VALIDATORS */
    uint64_t epoch; /* the one that it changes */
    uint32_t change_count;
    struct action_change changes[ACTION_CHANGES_MAX];
};

/* Decodes a body. Errors: VERSION; NOT_FOUND for a kind that does not exist; TRUNCATED, TRAILING,
   OVERSIZED, MALFORMED for anything that action_encode would not write: reserved bytes, unknown
   ops, more than ACTION_CHANGES_MAX changes. Of kinds 5 to 12 only the head is read. */
enum status action_decode(struct span body, struct action *ret_action) MUST_USE;

/* Writes the body of kinds 1 to 4. The writer fails if it is too small. */
void action_encode(const struct action *action, struct writer *writer);

/* "VALIDATORS" ..., or NULL. Static storage. */
const char *action_kind_name(unsigned kind);

/* Whether the field is text: no control characters, then zeroes to the end, at least one. */
bool action_is_text(const char *field, size_t size);

#endif
