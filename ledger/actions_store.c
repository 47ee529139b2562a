/* actions_store: rows and digests of actions, validators and evidence, and what is taken up from a
   store (see actions.h; docs/formats.md, state_root). */
#include "base/check.h"
#include "ledger/action_rows.h"
#include "ledger/actions.h"
#include "ledger/digest.h"
#include "ledger/outcome.h"
#include "ledger/roster.h"

/* ---- Emitting ---- */

static void run_row(struct hasher *hasher, const uint8_t *key, size_t key_length,
                    const uint8_t *value, size_t value_length)
{
    hasher_add(hasher, key, key_length);
    hasher_add(hasher, value, value_length);
}

static uint32_t open_count(const struct action_book *book)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < book->count; i++) {
        count += book->rows[i].ended_height == 0;
    }
    return count;
}

void actions_digest_open(const struct ledger *ledger, const struct action_book *book,
                         const struct roster *roster, struct hash *ret_digest)
{
    uint8_t key[VALIDATORS_KEY_BYTES];
    uint8_t members[VALIDATORS_VALUE_BYTES_MAX];
    uint8_t value[ACTION_VALUE_BYTES_MAX];
    uint8_t head[8];
    struct hasher hasher;
    put_le32(head, STATE_SLOT_OPEN);
    put_le32(head + 4, 1 + open_count(book));
    hasher_init(&hasher, &PURPOSE_TABLE);
    hasher_add(&hasher, head, sizeof head);
    validators_key(roster->epoch, key);
    run_row(&hasher, key, sizeof key, members, validators_encode(roster, members));
    for (uint32_t i = 0; i < book->count; i++) {
        const struct action_row *row = &book->rows[i];
        if (row->ended_height == 0) {
            run_row(&hasher, row->id.bytes, HASH_BYTES, value,
                    action_row_encode(row, ledger->action_bodies[row->slot], value));
        }
    }
    *ret_digest = hasher_end(&hasher);
}

/* The rows of actions that this block touched, in the book's order. */
static void emit_actions(struct ledger *ledger)
{
    struct hash *digest = &ledger->state.digests[TABLE_ACTIONS];
    struct action_book *book = ledger->book_next;
    struct hasher hasher;
    uint32_t written = 0;
    hasher_init(&hasher, &PURPOSE_WRITES);
    hasher_add(&hasher, digest, HASH_BYTES);
    for (uint32_t i = 0; i < book->count; i++) {
        struct action_row *row = &book->rows[i];
        if (!row->touched) {
            continue;
        }
        uint8_t *key = ledger->action_values + (size_t)written * ACTION_STORED_BYTES_MAX;
        uint8_t *value = key + ACTION_KEY_BYTES;
        memcpy(key, row->id.bytes, HASH_BYTES);
        size_t length = action_row_encode(row, ledger->action_bodies[row->slot], value);
        run_row(&hasher, key, ACTION_KEY_BYTES, value, length);
        outcome_write(ledger, TABLE_ACTIONS, (struct span){key, ACTION_KEY_BYTES},
                      (struct span){value, length});
        written++;
    }
    if (written > 0) {
        *digest = hasher_end(&hasher);
    }
}

static void emit_validators(struct ledger *ledger, const struct roster *roster)
{
    validators_key(roster->epoch, ledger->validators_key);
    size_t length = validators_encode(roster, ledger->validators_value);
    outcome_write(ledger, TABLE_VALIDATORS,
                  (struct span){ledger->validators_key, VALIDATORS_KEY_BYTES},
                  (struct span){ledger->validators_value, length});
    ledger->state.digests[STATE_SLOT_VALIDATORS] = roster->hash;
}

void actions_emit(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->evidence_count; i++) {
        const uint8_t *row = ledger->evidence_rows[i];
        outcome_write(ledger, TABLE_EVIDENCE, (struct span){row, EVIDENCE_KEY_BYTES},
                      (struct span){row + EVIDENCE_KEY_BYTES, EVIDENCE_VALUE_BYTES});
    }
    digest_run(&ledger->state.digests[TABLE_EVIDENCE], ledger->evidence_rows[0],
               (size_t)ledger->evidence_count * sizeof ledger->evidence_rows[0]);
    if (ledger->terminal) {
        emit_validators(ledger, &ledger->roster_next);
    }
    if (ledger->book_changed) {
        emit_actions(ledger);
        actions_digest_open(ledger, ledger->book_next,
                            ledger->terminal ? &ledger->roster_next : &ledger->roster,
                            &ledger->state.digests[STATE_SLOT_OPEN]);
    }
}

void actions_emit_genesis(struct ledger *ledger)
{
    emit_validators(ledger, &ledger->roster);
    actions_digest_open(ledger, ledger->book, &ledger->roster,
                        &ledger->state.digests[STATE_SLOT_OPEN]);
}

/* ---- Loading ---- */

enum status actions_load(struct ledger *ledger, struct span key, struct span value)
{
    struct action_row row;
    struct span body;
    struct action action;
    struct action_rule rule;
    if (action_row_decode(key, value, &row, &body) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    if (row.ended_height != 0) {
        return STATUS_OK;
    }
    if (row.state > ACTION_APPROVED || ledger->book->count >= ACTIONS_OPEN_MAX ||
        action_decode(body, &action) != STATUS_OK || action.kind != row.kind ||
        !actions_policy(ledger, row.kind, &rule)) {
        return STATUS_CORRUPT;
    }
    row.slot = ledger->book->count;
    memcpy(ledger->action_bodies[row.slot], body.data, body.length);
    ledger->book->rows[ledger->book->count++] = row;
    return STATUS_OK;
}

static bool is_before(const struct action_row *a, const struct action_row *b)
{
    return a->place.height != b->place.height ? a->place.height < b->place.height
                                              : a->place.position < b->place.position;
}

/* By the place where each was proposed; rows arrive by id. Bodies stay in their slots. */
static void sort(struct action_book *book, struct action_row *spare)
{
    for (uint32_t i = 1; i < book->count; i++) {
        *spare = book->rows[i];
        uint32_t at = i;
        while (at > 0 && is_before(spare, &book->rows[at - 1])) {
            book->rows[at] = book->rows[at - 1];
            at--;
        }
        book->rows[at] = *spare;
    }
}

const char *actions_load_done(struct ledger *ledger)
{
    sort(ledger->book, &ledger->book_next->rows[0]);
    if (!hash_equal(&ledger->roster.hash, &ledger->state.digests[STATE_SLOT_VALIDATORS])) {
        return "the validators are not those of the state row";
    }
    struct hash digest;
    actions_digest_open(ledger, ledger->book, &ledger->roster, &digest);
    return hash_equal(&digest, &ledger->state.digests[STATE_SLOT_OPEN])
               ? NULL
               : "the validators or the open actions are not those of the state row";
}
