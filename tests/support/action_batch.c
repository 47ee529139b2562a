/* action_batch: see action_batch.h. */
#include "tests/support/action_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/merkle.h"

struct action action_answering(enum action_kind kind, const struct hash *id)
{
    struct action action;
    memset(&action, 0, sizeof action);
    action.kind = (uint16_t)kind;
    action.subject = *id;
    return action;
}

struct action action_changing(uint64_t epoch)
{
    struct action action;
    memset(&action, 0, sizeof action);
    action.kind = ACTION_VALIDATORS;
    action.epoch = epoch;
    return action;
}

static struct action_change *next(struct action *action, enum change_op op)
{
    CHECK(action->kind == ACTION_VALIDATORS && action->change_count < ACTION_CHANGES_MAX);
    struct action_change *change = &action->changes[action->change_count++];
    memset(change, 0, sizeof *change);
    change->op = (uint32_t)op;
    return change;
}

void action_add(struct action *action, uint32_t participant, const struct public_key *key,
                const struct transport_key *transport_key, const char *name)
{
    struct action_change *change = next(action, CHANGE_ADD);
    change->participant = participant;
    change->key = *key;
    change->transport_key = *transport_key;
    (void)snprintf(change->name, sizeof change->name, "%s", name);
}

void action_remove(struct action *action, const struct public_key *key)
{
    next(action, CHANGE_REMOVE)->old_key = *key;
}

void action_replace(struct action *action, const struct public_key *old_key,
                    const struct public_key *key, const struct transport_key *transport_key)
{
    struct action_change *change = next(action, CHANGE_REPLACE);
    change->old_key = *old_key;
    change->key = *key;
    change->transport_key = *transport_key;
}

size_t action_body(const struct action *action, uint8_t ret_body[ACTION_BYTES_MAX])
{
    struct writer writer = writer_over(ret_body, ACTION_BYTES_MAX);
    action_encode(action, &writer);
    CHECK(!writer.failed);
    return writer.used;
}

struct batch_header action_batch_header(const struct action_batch_terms *terms, const uint8_t *body,
                                        size_t length)
{
    return (struct batch_header){.version = BATCH_VERSION,
                                 .kind = (uint16_t)terms->kind,
                                 .participant = terms->participant,
                                 .key_no = terms->key_no,
                                 .count = 1,
                                 .created_ms = terms->created_ms,
                                 .expires_ms = terms->expires_ms,
                                 .chain_id = terms->chain_id,
                                 .records_root = batch_body_root(body, length)};
}

uint8_t *action_batch(const struct action_batch_terms *terms, const uint8_t *body, size_t length,
                      const struct public_key *key, action_signer sign, size_t *ret_length,
                      struct hash *ret_id)
{
    struct batch_header header = action_batch_header(terms, body, length);
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    batch_signed_bytes(&header, signed_bytes);
    struct signature signature = sign(key, signed_bytes, sizeof signed_bytes);
    uint8_t *bytes = malloc(BATCH_PREFIX_BYTES + length);
    CHECK(bytes != NULL);
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + BATCH_HEADER_BYTES, signature.bytes, sizeof signature.bytes);
    memcpy(bytes + BATCH_PREFIX_BYTES, body, length);
    *ret_length = BATCH_PREFIX_BYTES + length;
    *ret_id = batch_id(&header);
    return bytes;
}
