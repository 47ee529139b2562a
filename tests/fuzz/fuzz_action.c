/*
 * Fuzzes the bodies of actions and of evidence (docs/formats.md, Actions and evidence), and the
 * rows that keep them. Whatever is accepted must encode to the very bytes that it was decoded from:
 * a body has one form only, or two nodes could mean different things by one hash.
 *
 * Input: u8, which of the four decoders; then the bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ledger/action_rows.h"
#include "ledger/evidence_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void actions(struct span body)
{
    struct action action;
    uint8_t again[ACTION_BYTES_MAX];
    if (action_decode(body, &action) != STATUS_OK || action.kind >= ACTION_PARTICIPANT) {
        return;
    }
    struct writer writer = writer_over(again, sizeof again);
    action_encode(&action, &writer);
    CHECK(!writer.failed && writer.used == body.length);
    CHECK(memcmp(again, body.data, body.length) == 0);
}

static void evidence(struct span body)
{
    struct evidence_body parsed;
    uint8_t again[EVIDENCE_BODY_BYTES];
    if (evidence_decode(body, &parsed) != STATUS_OK) {
        return;
    }
    CHECK(body.length == sizeof again);
    /* The order of two votes that differ in their signatures alone is not fixed. */
    if (evidence_conflicts(&parsed)) {
        evidence_body_encode(&parsed.second, &parsed.first, again);
        CHECK(memcmp(again, body.data, sizeof again) == 0);
    }
}

static void action_rows(struct span bytes)
{
    static uint8_t again[ACTION_VALUE_BYTES_MAX];
    struct action_row row;
    struct span body;
    if (bytes.length < ACTION_KEY_BYTES) {
        return;
    }
    struct span key = {bytes.data, ACTION_KEY_BYTES};
    struct span value = {bytes.data + ACTION_KEY_BYTES, bytes.length - ACTION_KEY_BYTES};
    if (action_row_decode(key, value, &row, &body) != STATUS_OK) {
        return;
    }
    CHECK(action_row_encode(&row, body.data, again) == value.length);
    CHECK(memcmp(again, value.data, value.length) == 0);
}

static void validators(struct span bytes)
{
    static uint8_t again[VALIDATORS_VALUE_BYTES_MAX];
    static struct roster roster;
    if (bytes.length < VALIDATORS_KEY_BYTES) {
        return;
    }
    struct span key = {bytes.data, VALIDATORS_KEY_BYTES};
    struct span value = {bytes.data + VALIDATORS_KEY_BYTES, bytes.length - VALIDATORS_KEY_BYTES};
    if (validators_decode(key, value, &roster) != STATUS_OK) {
        return;
    }
    CHECK(validators_encode(&roster, again) == value.length);
    CHECK(memcmp(again, value.data, value.length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    static void (*const decoders[])(struct span) = {actions, evidence, action_rows, validators};
    decoders[data[0] % 4]((struct span){data + 1, size - 1});
    return 0;
}
