/*
 * Goal: batches of participants that have nothing to do with each other may come in any order: no
 * verdict and no balance changes (docs/ledger.md). Three groups of participants file records of all
 * kinds within their group, many blocks of them; a second ledger executes the same blocks with the
 * groups' batches interleaved in another way, each group's own in their order. Cut-offs pass,
 * halves wait, holds expire, queues move.
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
#define BLOCKS 30u
#define GROUPS 3u
#define BATCHES 12u
#define RECORDS 6u
#define RECENT 48u

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
    f->limits[6] = (struct genesis_limit){.participant = 7, .currency = FIXTURE_CNY, .cap = 100000};
    f->genesis.limit_count = 7;
    f->limits[4].cap = 3000; /* of participant 3: some are refused */
    for (uint32_t i = 0; i < f->genesis.scheme_count; i++) {
        struct genesis_scheme *scheme = &f->schemes[i];
        if (scheme->service != 2) {
            scheme->chargeback_s = 3600;
            scheme->represent_s = 20;
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
    } else if (dice < 10) {
        r.kind = RECORD_HOLD;
        r.timeout_s = 1 + below(story, 60);
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

static struct record act(struct story *story, uint32_t group)
{
    static const uint16_t kinds[] = {
        RECORD_CLEAR,      RECORD_CLEAR,     RECORD_AFFIRM,  RECORD_REJECT,   RECORD_REVERSE,
        RECORD_REFUND,     RECORD_CAPTURE,   RECORD_RELEASE, RECORD_CANCEL,   RECORD_CANCEL,
        RECORD_CHARGEBACK, RECORD_REPRESENT, RECORD_ACCEPT,  RECORD_WITHDRAW, RECORD_REPRIORITISE};
    const uint32_t have = story->recent_count[group] < RECENT ? story->recent_count[group] : RECENT;
    const uint32_t at = below(story, have);
    const struct record *original = &story->recent[group][at];
    const uint16_t kind = kinds[below(story, sizeof kinds / sizeof kinds[0])];
    struct record r = *original;
    if (kind == RECORD_CLEAR) { /* the other half, sometimes unequal */
        r.id = fixture_id(++story->straight->next_id);
        r.amount += below(story, 8) == 0;
        return r;
    }
    r = fixture_refund(story->straight, original, story->recent_by[group][at], 0);
    r.kind = kind;
    if (kind == RECORD_REFUND || kind == RECORD_CAPTURE || kind == RECORD_CHARGEBACK) {
        r.amount = 1 + below(story, 1500);
    }
    if (kind == RECORD_CANCEL || kind == RECORD_REPRIORITISE) {
        r.ref_participant = 0;
        r.priority = kind == RECORD_REPRIORITISE ? (uint8_t)below(story, 3) : 0;
    }
    return r;
}

static struct record any(struct story *story, uint32_t group, uint32_t by)
{
    if (by == FIXTURE_AGENT && group != 2) {
        return fixture_fund(story->straight, MEMBERS[group][below(story, 2)],
                            1 + below(story, 4000));
    }
    const bool acts = story->recent_count[group] > 0 && below(story, 2) == 0;
    const struct record r = acts ? act(story, group) : beginning(story, group, by);
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
        batch->by = below(story, 4) == 0 ? FIXTURE_AGENT : MEMBERS[batch->group][below(story, 2)];
        batch->count = 1 + below(story, RECORDS);
        for (uint32_t i = 0; i < batch->count; i++) {
            batch->records[i] = any(story, batch->group, batch->by);
            const bool links = i + 1 < batch->count && below(story, 10) == 0;
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
            story->accepted += verdict_is_accepted(story->batches[b].verdicts[i]);
        }
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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unrelated_batches_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
