/* random_actions: see random_actions.h. */
#include "tests/support/random_actions.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "ledger/action_rows.h"
#include "ledger/cycle.h"
#include "tests/support/random_bodies.h"

/* So many batches at most before the last few, so that with the records a block is not above its
   network's block_records. */
#define BATCHES_MAX 34u
#define NARROW_BATCHES_MAX 2u
#define NARROW_RECORDS 10u
#define FAR_MS 120000u
#define CYCLE_CLOSE 1u

static uint64_t below(struct random_actions *actions, uint64_t bound)
{
    return prng_below(&actions->prng, bound);
}

static bool one_in(struct random_actions *actions, uint64_t count)
{
    return below(actions, count) == 0;
}

static uint64_t one_of(struct random_actions *actions, const uint64_t *values, size_t count)
{
    return values[below(actions, count)];
}
#define ONE_OF(actions, ...)                                                                       \
    one_of((actions), (const uint64_t[]){__VA_ARGS__},                                             \
           sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

void random_actions_prepare(struct random_actions *actions, struct random_day *day, uint64_t seed)
{
    *actions =
        (struct random_actions){.prng = prng_seeded(seed ^ 0xac7105), .fixture = day->fixture};
    struct genesis *genesis = &day->fixture->genesis;
    actions->narrow = one_in(actions, 8);
    genesis->block_records = actions->narrow ? NARROW_RECORDS : (uint32_t)ONE_OF(actions, 100, 256);
    for (uint32_t i = 0; actions->narrow && i < genesis->scheme_count; i++) {
        genesis->schemes[i].hold_timeout_s = 600; /* much may be due at once */
        genesis->schemes[i].match_timeout_s = 600;
    }
    genesis->participants_max = 7 + (uint32_t)below(actions, 6);
    genesis->services_max = 4 + (uint32_t)below(actions, 8);
    for (uint32_t i = 0; i < POLICY_COUNT; i++) {
        genesis->parameters.policies[i] = (struct action_policy){
            .kind = (uint16_t)(POLICY_KIND_FIRST + i),
            .approvals = (uint16_t)ONE_OF(actions, 1, 2, 2, 2, 3),
            .proposers = (uint32_t)ONE_OF(actions, ROLE_OPERATOR, ROLE_OPERATOR | ROLE_BANK, 255),
            .approvers = (uint32_t)ONE_OF(actions, ROLE_OPERATOR | ROLE_BANK, 255, ROLE_BANK),
            .lapse_s = (uint32_t)ONE_OF(actions, 60, 60, 600, 86400)};
    }
    if (one_in(actions, 5)) { /* more cycles than may be unsettled */
        actions->closes = true;
        genesis->parameters.policies[ACTION_CYCLE - POLICY_KIND_FIRST].approvals = 1;
        genesis->services[0].settlement_days = 2;
    }
    fixture_governed(day->fixture, 1);
}

/* ---- Who ---- */

struct actor {
    uint32_t participant;
    uint32_t key_no;
};

static bool may_act(const struct participant_key *key)
{
    return (key->permissions & PERMISSION_ACT) != 0;
}

/* Rather one with one of the roles. The key may act: another one makes no valid block. */
static bool draw_actor(struct random_actions *actions, uint32_t roles, struct actor *ret_actor)
{
    const struct genesis *now = &actions->fixture->ledger->refdata.now;
    for (unsigned tries = 0; tries < 40; tries++) {
        const struct genesis_participant *row =
            &now->participants[below(actions, now->participant_count)];
        if (row->key_count == 0 || ((row->roles & roles) == 0 && !one_in(actions, 40))) {
            continue;
        }
        const struct participant_key *key = &row->keys[below(actions, row->key_count)];
        if (may_act(key)) {
            *ret_actor = (struct actor){.participant = row->number, .key_no = key->key_no};
            return true;
        }
    }
    return false;
}

static const struct action_policy *policy_of(const struct random_actions *actions, uint16_t kind)
{
    const struct genesis *now = &actions->fixture->ledger->refdata.now;
    return &now->parameters.policies[kind - POLICY_KIND_FIRST];
}

/* ---- Proposals ---- */

/* Something about the bytes becomes something else. No kind becomes VALIDATORS, which the model
   does not know. */
static size_t spoil(struct random_actions *actions, uint8_t *body, size_t length)
{
    size_t at = below(actions, length);
    switch (below(actions, 8)) {
    case 0:
        return length - below(actions, length < 12 ? length : 12);
    case 1:
        memset(body + length, 0, 4);
        return length + 1 + below(actions, 4);
    case 2:
        put_le16(body + 2, (uint16_t)ONE_OF(actions, 0, 13, 256, 1, 4));
        return length;
    default:
        if (at != 2) {
            body[at] ^= (uint8_t)(1u << below(actions, 8));
        }
        return length;
    }
}

static void propose(struct random_actions *actions, uint16_t kind)
{
    uint8_t body[ACTION_BYTES_MAX + 8];
    struct writer writer = writer_over(body, sizeof body);
    struct actor actor;
    if (!draw_actor(actions, policy_of(actions, kind)->proposers, &actor)) {
        return;
    }
    writer_u16(&writer, ACTION_VERSION);
    writer_u16(&writer, kind);
    writer_u32(&writer, 0);
    random_body(&actions->prng, actions->fixture->ledger, (enum action_kind)kind, &writer);
    CHECK(!writer.failed);
    size_t length = writer.used;
    if (one_in(actions, 10)) {
        length = spoil(actions, body, length);
    }
    if (one_in(actions, 60)) {
        struct public_key key = fixture_validator_key(0);
        actor = (struct actor){FIXTURE_AGENT, validator_key_no(&key)};
    }
    (void)fixture_body(actions->fixture, BATCH_ACTION, actor.participant, actor.key_no, body,
                       length);
    if (one_in(actions, 5) && draw_actor(actions, policy_of(actions, kind)->proposers, &actor)) {
        (void)fixture_body(actions->fixture, BATCH_ACTION, actor.participant, actor.key_no, body,
                           length);
    }
}

/* Of the open cycle of the first service. */
static void propose_close(struct random_actions *actions)
{
    uint8_t body[ACTION_BYTES_MAX];
    struct writer writer = writer_over(body, sizeof body);
    const struct cycles *cycles = &actions->fixture->ledger->cycles;
    struct actor actor;
    if (!draw_actor(actions, policy_of(actions, ACTION_CYCLE)->proposers, &actor)) {
        return;
    }
    const uint8_t nets_hash[HASH_BYTES] = {0};
    writer_u16(&writer, ACTION_VERSION);
    writer_u16(&writer, ACTION_CYCLE);
    writer_u32(&writer, 0);
    writer_u16(&writer, 1);
    writer_u16(&writer, CYCLE_CLOSE);
    writer_u32(&writer, cycles->rows[cycles->open[0]].number);
    writer_u64(&writer, 0);
    writer_copy(&writer, nets_hash, sizeof nets_hash);
    (void)fixture_body(actions->fixture, BATCH_ACTION, actor.participant, actor.key_no, body,
                       writer.used);
}

static uint16_t draw_kind(struct random_actions *actions)
{
    uint16_t kind = (uint16_t)ONE_OF(actions, 5, 5, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 10, 10, 10, 11,
                                     12, 12, 12, 12);
    /* Some at once about the same things, so that one overtakes another. */
    actions->last_kind = one_in(actions, 3) && actions->last_kind != 0 ? actions->last_kind : kind;
    return actions->last_kind;
}

/* ---- Answers ---- */

static void answer(struct random_actions *actions, enum action_kind kind, const struct hash *id,
                   const struct actor *actor)
{
    struct action action = action_answering(kind, id);
    (void)fixture_action(actions->fixture, actor->participant, actor->key_no, &action);
}

static void answer_one(struct random_actions *actions, const struct random_proposal *proposal)
{
    struct actor actor;
    uint32_t roles = policy_of(actions, proposal->kind)->approvers;
    if (draw_actor(actions, roles, &actor)) {
        answer(actions, one_in(actions, 12) ? ACTION_DISAPPROVE : ACTION_APPROVE, &proposal->id,
               &actor);
    }
}

/* An answer that has little sense: to what is not there, or with a key that answers nothing. */
static void answer_oddly(struct random_actions *actions)
{
    struct actor actor;
    struct hash id = {{(uint8_t)below(actions, 256)}};
    if (actions->count > 0 && !one_in(actions, 4)) {
        id = actions->pending[below(actions, actions->count)].id;
    }
    if (!draw_actor(actions, 255, &actor)) {
        return;
    }
    enum action_kind kind =
        (enum action_kind)ONE_OF(actions, ACTION_APPROVE, ACTION_DISAPPROVE, ACTION_READY);
    if (one_in(actions, 2)) {
        struct public_key key = fixture_validator_key(0);
        actor = (struct actor){FIXTURE_AGENT, validator_key_no(&key)};
    }
    answer(actions, kind, &id, &actor);
}

void random_actions_block(struct random_actions *actions)
{
    const struct ledger_block *block = &actions->fixture->block;
    const uint32_t most = actions->narrow ? NARROW_BATCHES_MAX : BATCHES_MAX;
    for (uint32_t i = 0; i < actions->count && block->batch_count < most; i++) {
        if (!actions->pending[i].neglected && one_in(actions, 3)) {
            answer_one(actions, &actions->pending[i]);
        }
    }
    uint64_t proposals = one_in(actions, 2) ? 0 : below(actions, one_in(actions, 20) ? 24 : 4);
    for (uint64_t i = 0; i < proposals && block->batch_count < most; i++) {
        propose(actions, draw_kind(actions));
    }
    if (one_in(actions, 5)) {
        answer_oddly(actions);
    }
    if (actions->closes) {
        propose_close(actions);
    }
}

void random_actions_time(struct random_actions *actions, struct random_day *day)
{
    const struct ledger *ledger = actions->fixture->ledger;
    const struct cycle_row *cycle = &ledger->cycles.rows[below(actions, ledger->cycles.count)];
    uint64_t edge_ms = 0;
    if (one_in(actions, 8) && ledger->book->count > 0) {
        edge_ms = ledger->book->rows[below(actions, ledger->book->count)].lapse_ms;
    } else if (one_in(actions, 24) && cycle->state != 0) {
        edge_ms = ONE_OF(actions, cycle->cutoff_ms, cycle->settle_ms, cycle->deadline_ms);
    }
    bool is_far = edge_ms > actions->fixture->block.timestamp_ms + FAR_MS;
    if (is_far && !one_in(actions, 12)) {
        edge_ms = 0; /* too many long pauses, and everything is over */
    }
    day->next_ms = edge_ms == 0 ? 0 : edge_ms - 1 + below(actions, 3);
}

/* ---- What became of them ---- */

static void keep(struct random_actions *actions, const struct hash *id, uint16_t kind)
{
    uint32_t at = actions->count;
    if (at < RANDOM_ACTIONS_PENDING) {
        actions->count++;
    } else {
        at = (uint32_t)below(actions, RANDOM_ACTIONS_PENDING);
    }
    actions->pending[at] =
        (struct random_proposal){.id = *id, .kind = kind, .neglected = one_in(actions, 5)};
}

static void mark_ended(struct random_actions *actions, const struct hash *id)
{
    for (uint32_t i = 0; i < actions->count; i++) {
        if (hash_equal(&actions->pending[i].id, id)) {
            actions->pending[i].ended = true;
        }
    }
}

/* Ended ones are forgotten, but not all at once: answers come late, too. */
static void forget(struct random_actions *actions)
{
    for (uint32_t i = actions->count; i-- > 0;) {
        if (actions->pending[i].ended && !one_in(actions, 4)) {
            actions->pending[i] = actions->pending[--actions->count];
        }
    }
}

static void note_ends(struct random_actions *actions, struct action_counts *counts)
{
    const struct ledger_outcome *outcome = actions->fixture->outcome;
    for (uint32_t i = 0; i < outcome->write_count; i++) {
        const struct ledger_write *write = &outcome->writes[i];
        struct action_row row;
        struct span body;
        if (write->table != TABLE_ACTIONS) {
            continue;
        }
        CHECK(action_row_decode((struct span){write->key, write->key_length},
                                (struct span){write->value, write->value_length}, &row,
                                &body) == STATUS_OK);
        if (row.ended_height != 0) {
            counts->ended[row.kind][row.state]++;
            mark_ended(actions, &row.id);
        }
    }
}

void random_actions_note(struct random_actions *actions, struct action_counts *counts)
{
    const struct ledger_fixture *f = actions->fixture;
    for (uint32_t b = 0; b < f->block.batch_count; b++) {
        const struct fixture_batch *part = &f->parts[b];
        if (part->header.kind != BATCH_ACTION || part->body_length < ACTION_HEAD_BYTES) {
            continue;
        }
        uint16_t kind = get_le16(part->body + 2);
        bool accepted = fixture_verdict(f, b, 0) == VERDICT_POSTED;
        if (kind > ACTION_CYCLE) {
            continue;
        }
        (accepted ? counts->proposed : counts->refused)[kind]++;
        if (accepted && kind >= ACTION_PARTICIPANT) {
            keep(actions, &f->batches[b].id, kind);
        }
    }
    note_ends(actions, counts);
    forget(actions);
}

void random_actions_print(const struct action_counts *counts)
{
    for (unsigned kind = ACTION_PARTICIPANT; kind <= ACTION_CYCLE; kind++) {
        const uint64_t *ended = counts->ended[kind];
        (void)printf("%s: proposed %ju (%ju refused by verdict), done %ju, refused %ju, lapsed "
                     "%ju, overtaken %ju\n",
                     action_kind_name(kind), counts->proposed[kind], counts->refused[kind],
                     ended[ACTION_DONE], ended[ACTION_REFUSED], ended[ACTION_LAPSED],
                     ended[ACTION_OVERTAKEN]);
    }
    for (unsigned kind = ACTION_APPROVE; kind <= ACTION_READY; kind++) {
        if (kind != ACTION_VALIDATORS) {
            (void)printf("%s: %ju, and %ju refused by verdict\n", action_kind_name(kind),
                         counts->proposed[kind], counts->refused[kind]);
        }
    }
}

bool random_actions_exercised(const struct action_counts *counts)
{
    bool exercised = true;
    for (unsigned kind = ACTION_PARTICIPANT; kind <= ACTION_CYCLE; kind++) {
        /* Participants and currencies never go away, so two kinds fit for ever; of two more one is
           overtaken about once in half a million records. */
        bool fits_on = kind == ACTION_STANDING || kind == ACTION_LIMIT || kind == ACTION_SERVICE ||
                       kind == ACTION_PARAMETERS;
        unsigned last = fits_on ? ACTION_LAPSED : ACTION_OVERTAKEN;
        for (unsigned state = ACTION_DONE; state <= last; state++) {
            exercised = exercised && counts->ended[kind][state] > 0;
        }
        exercised = exercised && counts->refused[kind] > 0;
    }
    return exercised;
}
