/*
 * Goal: batches of participants that have nothing to do with each other may come in any order: no
 * verdict and no balance changes (docs/ledger.md). Three groups of participants file records of all
 * kinds within their group, also in chains, many blocks of them, and the network rules on their
 * disputes; a second ledger executes the same blocks with the groups' batches interleaved in
 * another way, each group's own in their order. Cut-offs pass, halves wait, holds expire, queues
 * move. Of each kind some must have taken effect.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ledger_fixture.h"

#define SEEDS 40u
#define BLOCKS 50u
#define GROUPS 3u
#define BATCHES 12u
#define RECORDS 6u
#define RECENT 128u

/* Participants of a group; the agent also funds, which concerns only the group that it funds. */
static const uint32_t MEMBERS[GROUPS][2] = {{1, 2}, {3, FIXTURE_COVERED}, {FIXTURE_AGENT, 7}};

struct made_batch {
    uint32_t group;
    uint32_t by;
    uint32_t count;
    struct record records[RECORDS];
    unsigned verdicts[RECORDS];
};

struct story {
    struct prng prng;
    struct ledger_fixture *straight;
    struct ledger_fixture *shuffled;
    struct record recent[GROUPS][RECENT];
    uint32_t recent_by[GROUPS][RECENT];
    uint32_t recent_count[GROUPS];
    struct made_batch batches[BATCHES];
    uint64_t accepted, moved;
};

/* Over all seeds: what took effect, by kind, and chains of two or more that posted whole. */
static uint64_t of_kind[RECORD_CONTRIBUTE + 1];
static uint64_t chains;

static uint32_t below(struct story *story, uint32_t bound)
{
    return (uint32_t)prng_below(&story->prng, bound);
}

static struct ledger_fixture *network(void)
{
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 256;
    f->genesis.parameters.queue_max = LIMIT_QUEUE;
    f->genesis.parameters.queue_quota = LIMIT_QUEUE;
    /* The one participant of all groups must never be short: that would relate them. */
    f->limits[7] = (struct genesis_limit){.participant = 7, .currency = FIXTURE_CNY, .cap = 100000};
    f->limits[6] = f->limits[5];
    f->limits[5] = (struct genesis_limit){
        .participant = FIXTURE_NETWORK, .currency = FIXTURE_CNY, .cap = 100000000};
    f->genesis.limit_count = 8;
    f->limits[4].cap = 3000; /* of participant 3: some are refused */
    for (uint32_t i = 0; i < f->genesis.scheme_count; i++) {
        struct genesis_scheme *scheme = &f->schemes[i];
        if (scheme->service != 2) {
            scheme->chargeback_s = 36000;
            scheme->represent_s = 2000;
            scheme->pre_arbitrate_s = scheme->network != 0 ? 2000 : 0;
            scheme->answer_s = scheme->network != 0 ? 2000 : 0;
            scheme->rule_s = scheme->network != 0 ? 3000 : 0;
        }
    }
    fixture_start(f);
    return f;
}

static struct record beginning(struct story *story, uint32_t group, uint32_t by)
{
    static const uint16_t schemes[] = {10, 10, 12, 12, 30};
    static const uint16_t treasury[] = {RECORD_DEFUND, RECORD_PLEDGE, RECORD_UNPLEDGE,
                                        RECORD_CONTRIBUTE};
    struct ledger_fixture *f = story->straight;
    const uint32_t other = MEMBERS[group][0] == by ? MEMBERS[group][1] : MEMBERS[group][0];
    const uint32_t dice = below(story, 20);
    struct record r = fixture_clear(f, by, other, 1 + below(story, 2000));
    if (dice < 8) {
        r.scheme = schemes[below(story, 5)];
        r.interchange = below(story, 20);
        r.payee_fee = below(story, 5);
        r.match_key = r.scheme == 12 ? r.id : (struct record_id){{0}};
    } else if (dice == 8) {
        r.kind = RECORD_HOLD;
        r.timeout_s = 1 + below(story, 60);
    } else if (dice == 9) {
        r.kind = RECORD_FEE;
    } else if (dice < 16) {
        r = fixture_pay(f, by, other, 1 + below(story, 3000));
        r.flags = below(story, 3) != 0 ? RECORD_QUEUE : 0;
        r.priority = r.flags != 0 ? (uint8_t)below(story, 3) : 0;
        r.timeout_s = below(story, 2) * 30;
    } else {
        r = fixture_pay(f, by, 0, 1 + below(story, 900));
        r.kind = treasury[below(story, 4)];
        r.scheme = 0;
    }
    return r;
}

static bool is_one_of(uint16_t kind, const uint16_t kinds[4])
{
    return kind == kinds[0] || kind == kinds[1] || kind == kinds[2] || kind == kinds[3];
}

/* Whether the kind, filed by that participant, may come to something on this record. */
static bool may_act(uint16_t kind, uint32_t by, const struct record *r, uint32_t filed_by)
{
    static const uint16_t ON_CLEAR[4] = {RECORD_REVERSE, RECORD_REFUND, RECORD_CHARGEBACK};
    static const uint16_t ON_PAY[4] = {RECORD_CANCEL, RECORD_REPRIORITISE};
    static const uint16_t BY_PAYER[4] = {RECORD_CHARGEBACK, RECORD_PRE_ARBITRATE, RECORD_WITHDRAW};
    if (kind == RECORD_AFFIRM || kind == RECORD_REJECT) {
        return r->kind == RECORD_CLEAR && r->scheme == 12 && filed_by != by;
    }
    if (is_one_of(kind, ON_PAY)) {
        return r->kind == RECORD_PAY && r->payer == by;
    }
    const uint16_t on = is_one_of(kind, ON_CLEAR)                          ? RECORD_CLEAR
                        : kind == RECORD_CAPTURE || kind == RECORD_RELEASE ? RECORD_HOLD
                                                                           : RECORD_CHARGEBACK;
    return r->kind == on &&
           (kind == RECORD_RULE || by == (is_one_of(kind, BY_PAYER) ? r->payer : r->payee));
}

/* Something that the group filed: mostly the newest of which the kind may come to something. */
static uint32_t pick(struct story *story, uint32_t group, uint32_t by, uint16_t kind)
{
    const uint32_t have = story->recent_count[group] < RECENT ? story->recent_count[group] : RECENT;
    const uint32_t last = (story->recent_count[group] - 1) % RECENT;
    const uint32_t back = kind == RECORD_RULE || below(story, 4) == 0 ? below(story, have) : 0;
    for (uint32_t i = 0; i < have && below(story, 100) != 0; i++) {
        const uint32_t at = (last + have - (back + i) % have) % have;
        if (may_act(kind, by, &story->recent[group][at], story->recent_by[group][at])) {
            return at;
        }
    }
    return below(story, have);
}

static struct record act(struct story *story, uint32_t group, uint32_t by)
{
    static const uint16_t kinds[] = {
        RECORD_CLEAR,      RECORD_CLEAR,   RECORD_AFFIRM,  RECORD_REJECT, RECORD_REVERSE,
        RECORD_REFUND,     RECORD_CAPTURE, RECORD_RELEASE, RECORD_CANCEL, RECORD_REPRIORITISE,
        RECORD_CHARGEBACK, RECORD_ACCEPT,  RECORD_WITHDRAW};
    static const uint16_t ladder[] = {RECORD_REPRESENT, RECORD_PRE_ARBITRATE, RECORD_PRE_ARBITRATE,
                                      RECORD_DECLINE, RECORD_DECLINE};
    const uint16_t kind = by == FIXTURE_NETWORK  ? RECORD_RULE
                          : below(story, 2) == 0 ? ladder[below(story, 5)]
                                                 : kinds[below(story, 13)];
    const uint32_t at = pick(story, group, by, kind);
    const struct record *original = &story->recent[group][at];
    struct record r = *original;
    if (kind == RECORD_CLEAR) { /* the other half, sometimes unequal */
        r.id = fixture_id(++story->straight->next_id);
        r.amount += below(story, 8) == 0;
        return r;
    }
    r = fixture_refund(story->straight, original, story->recent_by[group][at], 0);
    r.kind = kind;
    if (kind == RECORD_REFUND || kind == RECORD_CAPTURE || kind == RECORD_CHARGEBACK) {
        r.amount = 1 + below(story, (uint32_t)(original->amount % 10000) + 200);
    }
    if (kind == RECORD_CANCEL || kind == RECORD_REPRIORITISE) {
        r.ref_participant = 0;
        r.priority = kind == RECORD_REPRIORITISE ? (uint8_t)below(story, 3) : 0;
    }
    if (kind == RECORD_RULE && below(story, 2) == 0) {
        r.flags = RECORD_OUTCOME;
    }
    return r;
}

static struct record any(struct story *story, uint32_t group, uint32_t by)
{
    if (by == FIXTURE_AGENT && group != 2) {
        return fixture_fund(story->straight, MEMBERS[group][below(story, 2)],
                            1 + below(story, 4000));
    }
    const bool acts =
        story->recent_count[group] > 0 && (by == FIXTURE_NETWORK || below(story, 2) == 0);
    const struct record r = acts ? act(story, group, by) : beginning(story, group, by);
    const uint32_t at = story->recent_count[group]++ % RECENT;
    story->recent[group][at] = r;
    story->recent_by[group][at] = by;
    return r;
}

static void make_batches(struct story *story)
{
    for (uint32_t b = 0; b < BATCHES; b++) {
        struct made_batch *batch = &story->batches[b];
        batch->group = below(story, GROUPS);
        const uint32_t dice = below(story, 8);
        batch->by = dice < 2 ? FIXTURE_AGENT
                    : dice == 2 && story->recent_count[batch->group] > 0
                        ? FIXTURE_NETWORK
                        : MEMBERS[batch->group][below(story, 2)];
        batch->count = 1 + below(story, RECORDS);
        for (uint32_t i = 0; i < batch->count; i++) {
            batch->records[i] = any(story, batch->group, batch->by);
            const bool links = i + 1 < batch->count && below(story, 4) == 0 &&
                               (kind_of(batch->records[i].kind)->flags & RECORD_LINKED) != 0;
            batch->records[i].flags |= links ? RECORD_LINKED : 0;
        }
    }
}

/* Another order of the batches, in which each group's own keep theirs. */
static void interleave(struct story *story, uint32_t ret_order[BATCHES])
{
    uint32_t groups[BATCHES];
    uint32_t next[GROUPS] = {0};
    for (uint32_t b = 0; b < BATCHES; b++) {
        groups[b] = story->batches[b].group;
    }
    for (uint32_t b = BATCHES - 1; b > 0; b--) {
        const uint32_t other = below(story, b + 1);
        const uint32_t group = groups[b];
        groups[b] = groups[other];
        groups[other] = group;
    }
    for (uint32_t b = 0; b < BATCHES; b++) {
        uint32_t *at = &next[groups[b]];
        while (story->batches[*at].group != groups[b]) {
            (*at)++;
        }
        ret_order[b] = (*at)++;
        story->moved += ret_order[b] != b;
    }
}

static void execute(struct story *story, struct ledger_fixture *f, const uint32_t order[BATCHES],
                    uint64_t later_ms)
{
    f->block.timestamp_ms += later_ms;
    for (uint32_t b = 0; b < BATCHES; b++) {
        const struct made_batch *batch = &story->batches[order[b]];
        struct batch_header *header = fixture_batch(f, batch->by);
        header->created_ms = f->block.timestamp_ms - 500 + order[b];
        for (uint32_t i = 0; i < batch->count; i++) {
            fixture_add(f, batch->records[i]);
        }
    }
    fixture_block(f);
}

static void assert_same_balances(const struct story *story, uint64_t seed)
{
    const struct ledger *one = story->straight->ledger;
    const struct ledger *two = story->shuffled->ledger;
    for (uint32_t i = 0; i < one->account_count; i++) {
        for (uint32_t t = 0; t < ACCOUNT_TOTALS; t++) {
            if (one->accounts[i].totals[t].minor != two->accounts[i].totals[t].minor) {
                fail_msg("seed %u, height %u: total %u of account %u differs", (unsigned)seed,
                         (unsigned)story->straight->block.height - 1, t, i);
            }
        }
    }
}

/* What was refused is mostly forgotten, so that acts find something. */
static void forget(struct story *story, uint32_t group, const struct record *record)
{
    for (uint32_t i = 0; i < RECENT; i++) {
        struct record *known = &story->recent[group][i];
        if (memcmp(&known->id, &record->id, sizeof known->id) == 0 && below(story, 10) != 0) {
            known->kind = RECORD_RELEASE; /* nothing acts on one */
        }
    }
}

/* What the batch came to: kinds that took effect, and chains that posted whole. */
static void count_effects(struct story *story, const struct made_batch *batch)
{
    uint32_t length = 1;
    bool whole = true;
    for (uint32_t i = 0; i < batch->count; i++) {
        const bool accepted = verdict_is_accepted(batch->verdicts[i]);
        story->accepted += accepted;
        of_kind[batch->records[i].kind] += accepted;
        whole = whole && accepted;
        if (!accepted) {
            forget(story, batch->group, &batch->records[i]);
        }
        if ((batch->records[i].flags & RECORD_LINKED) != 0) {
            length++;
            continue;
        }
        chains += whole && length > 1;
        length = 1;
        whole = true;
    }
}

static void run_block(struct story *story, uint64_t seed)
{
    uint32_t straight[BATCHES];
    uint32_t order[BATCHES];
    const uint32_t dice = below(story, 10);
    const uint64_t later_ms = dice == 0  ? below(story, 8 * 3600) * 1000ull
                              : dice < 4 ? below(story, 40) * 1000ull
                                         : 0;
    make_batches(story);
    interleave(story, order);
    for (uint32_t b = 0; b < BATCHES; b++) {
        straight[b] = b;
    }
    execute(story, story->straight, straight, later_ms);
    for (uint32_t b = 0; b < BATCHES; b++) {
        for (uint32_t i = 0; i < story->batches[b].count; i++) {
            story->batches[b].verdicts[i] = fixture_verdict(story->straight, b, i);
        }
        count_effects(story, &story->batches[b]);
    }
    execute(story, story->shuffled, order, later_ms);
    for (uint32_t b = 0; b < BATCHES; b++) {
        const struct made_batch *batch = &story->batches[order[b]];
        for (uint32_t i = 0; i < batch->count; i++) {
            const unsigned verdict = fixture_verdict(story->shuffled, b, i);
            if (verdict != batch->verdicts[i]) {
                fail_msg("seed %u, height %u: kind %u of %u has %s, shuffled %s", (unsigned)seed,
                         (unsigned)story->straight->block.height - 1, batch->records[i].kind,
                         batch->by, verdict_name(batch->verdicts[i]), verdict_name(verdict));
            }
        }
    }
    assert_same_balances(story, seed);
}

static void test_unrelated_batches_in_any_order(void **state)
{
    (void)state;
    uint64_t accepted = 0;
    uint64_t moved = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        static struct story story;
        memset(&story, 0, sizeof story);
        story.prng = prng_seeded(seed);
        story.straight = network();
        story.shuffled = network();
        for (uint32_t i = 0; i < BLOCKS; i++) {
            run_block(&story, seed);
        }
        accepted += story.accepted;
        moved += story.moved;
        fixture_free(story.straight);
        fixture_free(story.shuffled);
    }
    /* Much took effect, and much stood elsewhere. */
    print_message("seeds 1 to %u: %u records took effect, %u batches moved\n", SEEDS,
                  (unsigned)accepted, (unsigned)moved);
    assert_true(accepted > 200ull * SEEDS && moved > 100ull * SEEDS);
    for (unsigned kind = RECORD_CLEAR; kind <= RECORD_CONTRIBUTE; kind++) {
        print_message("%s %u%s", record_kind_name(kind), (unsigned)of_kind[kind],
                      kind == RECORD_CONTRIBUTE ? "\n" : ", ");
    }
    print_message("chains %u\n", (unsigned)chains);
    for (unsigned kind = RECORD_CLEAR; kind <= RECORD_CONTRIBUTE; kind++) {
        if (of_kind[kind] == 0) {
            fail_msg("%s never took effect", record_kind_name(kind));
        }
    }
    assert_true(chains > SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unrelated_batches_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
