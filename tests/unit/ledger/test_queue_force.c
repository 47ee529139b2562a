/*
 * Goal: what the queue releases and offsets (docs/ledger.md, Queue) is what the page says: release
 * payment by payment, then the largest set that leaves nobody below its floor, found by trying all.
 * Random queues of three priorities with fees to a network, suspended payers, sponsors, cover,
 * collateral, reserves and debts in open and closed cycles. The oracle works on its own numbers and
 * calls nothing of the ledger.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "ledger/event.h"
#include "tests/support/ledger_fixture.h"

#define NETWORKS 4u
#define RUNS 20000u /* a network */
#define SEED 20261123u
#define CNY 0u
#define PEOPLE 7u
#define PAYMENTS 10u
#define CYCLES 4u
#define NOBODY UINT32_MAX
#define NETWORK (FIXTURE_NETWORK - 1)
#define COVERED (FIXTURE_COVERED - 1)
#define EVENT_ROW (EVENT_KEY_BYTES + EVENT_VALUE_BYTES)

struct payment {
    uint32_t number; /* its place */
    uint32_t since;
    uint32_t payer; /* indexes */
    uint32_t payee;
    uint32_t network; /* or NOBODY */
    uint32_t priority;
    int64_t amount, interchange, payer_fee, payee_fee;
};

/* What the specification speaks of, in the oracle's own words. */
struct world {
    uint32_t sponsor[PEOPLE]; /* or NOBODY */
    bool covered[PEOPLE];
    bool suspended[PEOPLE];
    int64_t money[PEOPLE]; /* spendable SETTLEMENT */
    int64_t reserved_money[PEOPLE];
    int64_t collateral[PEOPLE];
    int64_t reserved_collateral[PEOPLE];
    int64_t reserved_position[PEOPLE];
    int64_t nets[CYCLES][PEOPLE];
    bool owed[CYCLES];                 /* CLOSED or SHORT, of a PREFUNDED service */
    struct payment payments[PAYMENTS]; /* in queue order */
    unsigned count;
};

struct answer {
    uint32_t released[PAYMENTS]; /* numbers, in order */
    unsigned release_count;
    unsigned offset; /* set of places in the order of the queue */
    unsigned offset_count;
};

struct tally {
    unsigned runs, released, offset, floors, fees, suspensions;
};

/* ---- The oracle ---- */

static int64_t above_zero(int64_t value)
{
    return value > 0 ? value : 0;
}

static int64_t exposure(const struct world *w, uint32_t who)
{
    int64_t sum = 0;
    for (uint32_t p = 0; p < PEOPLE; p++) {
        if (p == who || w->sponsor[p] == who) {
            sum += w->reserved_position[p];
            for (unsigned c = 0; c < CYCLES; c++) {
                sum += above_zero(-w->nets[c][p]);
            }
        }
    }
    return sum;
}

static int64_t floor_of(const struct world *w, uint32_t who)
{
    if (w->sponsor[who] != NOBODY) {
        return 0;
    }
    if (w->covered[who]) {
        return above_zero(exposure(w, who) - (w->collateral[who] - w->reserved_collateral[who]));
    }
    int64_t owed = 0;
    for (unsigned c = 0; c < CYCLES; c++) {
        int64_t net = 0;
        for (uint32_t p = 0; w->owed[c] && p < PEOPLE; p++) {
            net += p == who || w->sponsor[p] == who ? w->nets[c][p] : 0;
        }
        owed += above_zero(-net);
    }
    return owed;
}

static void move(int64_t money[PEOPLE], const struct payment *p)
{
    money[p->payer] += p->interchange - p->amount - p->payer_fee;
    money[p->payee] += p->amount - p->interchange - p->payee_fee;
    if (p->network != NOBODY) {
        money[p->network] += p->payer_fee + p->payee_fee;
    }
}

/* Nobody who ends with less ends below zero or its floor. */
static bool is_payable(const struct world *w, const int64_t money[PEOPLE],
                       const int64_t floors[PEOPLE], const struct payment *p)
{
    int64_t after[PEOPLE];
    memcpy(after, money, sizeof after);
    move(after, p);
    for (uint32_t who = 0; who < PEOPLE; who++) {
        if (after[who] < money[who] && after[who] < above_zero(floors[who])) {
            return false;
        }
    }
    return !w->suspended[p->payer];
}

/* The first in queue order that is its payer's first and payable, again and again. */
static unsigned release(const struct world *w, int64_t money[PEOPLE], const int64_t floors[PEOPLE],
                        struct answer *answer)
{
    unsigned gone = 0;
    for (unsigned i = 0; i < w->count;) {
        bool first = (gone >> i & 1) == 0;
        for (unsigned k = 0; k < i; k++) {
            first = first && ((gone >> k & 1) != 0 || w->payments[k].payer != w->payments[i].payer);
        }
        if (!first || !is_payable(w, money, floors, &w->payments[i])) {
            i++;
            continue;
        }
        move(money, &w->payments[i]);
        gone |= 1u << i;
        answer->released[answer->release_count++] = w->payments[i].number;
        i = 0;
    }
    return gone;
}

static unsigned size_of(unsigned set)
{
    unsigned size = 0;
    for (; set != 0; set &= set - 1) {
        size++;
    }
    return size;
}

/* Keeps each payer's order, takes nothing of the suspended, and leaves no payer below its floor. */
static bool is_possible(const struct world *w, const int64_t money[PEOPLE],
                        const int64_t floors[PEOPLE], unsigned gone, unsigned set)
{
    int64_t after[PEOPLE];
    bool pays[PEOPLE] = {false};
    bool left_out[PEOPLE] = {false};
    memcpy(after, money, sizeof after);
    for (unsigned i = 0; i < w->count; i++) {
        const struct payment *p = &w->payments[i];
        if ((gone >> i & 1) != 0) {
            continue;
        }
        if ((set >> i & 1) == 0) {
            left_out[p->payer] = true;
            continue;
        }
        if (left_out[p->payer] || w->suspended[p->payer]) {
            return false;
        }
        pays[p->payer] = true;
        move(after, p);
    }
    for (uint32_t who = 0; who < PEOPLE; who++) {
        if (pays[who] && after[who] < above_zero(floors[who])) {
            return false;
        }
    }
    return true;
}

/* There is one largest: another of its size would be a fault of the page. */
static unsigned largest(const struct world *w, const int64_t money[PEOPLE],
                        const int64_t floors[PEOPLE], unsigned gone)
{
    unsigned best = 0;
    bool alone = true;
    for (unsigned set = 1; set < 1u << w->count; set++) {
        if ((set & gone) == 0 && size_of(set) >= size_of(best) &&
            is_possible(w, money, floors, gone, set)) {
            alone = size_of(set) > size_of(best);
            best = set;
        }
    }
    assert_true(alone);
    return best;
}

static void solve(struct world *w, const int64_t floors[PEOPLE], struct answer *answer)
{
    memset(answer, 0, sizeof *answer);
    unsigned gone = release(w, w->money, floors, answer);
    answer->offset = largest(w, w->money, floors, gone);
    answer->offset_count = size_of(answer->offset);
    for (unsigned i = 0; i < w->count; i++) {
        if ((answer->offset >> i & 1) != 0) {
            move(w->money, &w->payments[i]);
        }
    }
}

/* ---- Random worlds ---- */

static int64_t below(struct prng *prng, uint64_t bound)
{
    return (int64_t)prng_below(prng, bound);
}

static bool one_in(struct prng *prng, uint64_t n)
{
    return prng_below(prng, n) == 0;
}

static void make_people(struct world *w, struct prng *prng)
{
    const bool poor = one_in(prng, 2); /* little is released, so more must be offset */
    for (uint32_t p = 0; p < PEOPLE; p++) {
        w->suspended[p] = one_in(prng, 10);
        w->reserved_money[p] = one_in(prng, 3) ? below(prng, 20) : 0;
        w->money[p] = below(prng, poor ? 8 : 60);
        w->reserved_collateral[p] = one_in(prng, 4) ? below(prng, 10) : 0;
        w->collateral[p] = w->reserved_collateral[p] + (one_in(prng, 2) ? below(prng, 30) : 0);
        w->reserved_position[p] = one_in(prng, 3) ? below(prng, 15) : 0;
        for (unsigned c = 0; c < CYCLES; c++) {
            w->nets[c][p] = one_in(prng, 3) ? below(prng, 60) - 30 : 0;
        }
    }
}

/* Fees as a PAY may have them: the payee loses nothing, the network gives nothing. */
static void make_fees(struct payment *p, struct prng *prng)
{
    p->interchange = one_in(prng, 3) ? below(prng, (uint64_t)p->amount + 6) - 5 : 0;
    if (p->network == NOBODY) {
        p->interchange = p->interchange > p->amount ? p->amount : p->interchange;
        return;
    }
    p->payee_fee = one_in(prng, 2) ? below(prng, 12) - 6 : 0;
    if (p->interchange + p->payee_fee > p->amount) {
        p->interchange = 0;
        p->payee_fee = p->payee_fee > p->amount ? p->amount : p->payee_fee;
    }
    p->payer_fee = -p->payee_fee + (one_in(prng, 2) ? below(prng, 8) : 0);
}

static bool comes_before(const struct payment *a, const struct payment *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->since < b->since;
}

static void make_payments(struct world *w, struct prng *prng)
{
    const uint32_t few = 2 + (uint32_t)prng_below(prng, PEOPLE - 1); /* who pay each other */
    w->count = 1 + (unsigned)prng_below(prng, PAYMENTS);
    for (uint32_t i = 0; i < w->count; i++) {
        struct payment p = {.number = i,
                            .since = one_in(prng, 4) ? 100 + i : i, /* moved since it was filed */
                            .payer = (uint32_t)prng_below(prng, few),
                            .network = one_in(prng, 3) ? NOBODY : NETWORK,
                            .priority = (uint32_t)prng_below(prng, 3),
                            .amount = 1 + below(prng, 80)};
        p.payee = (p.payer + 1 + (uint32_t)prng_below(prng, few - 1)) % few;
        make_fees(&p, prng);
        uint32_t at = i;
        for (; at > 0 && comes_before(&p, &w->payments[at - 1]); at--) {
            w->payments[at] = w->payments[at - 1];
        }
        w->payments[at] = p;
    }
}

/* ---- The ledger in the same state ---- */

static void set_account(struct ledger_fixture *f, uint32_t who, enum account_class class,
                        int64_t balance, int64_t reserved)
{
    struct account *account = ledger_account(f->ledger, who, CNY, class);
    account->totals[TOTAL_DEBITS_POSTED].minor = 0;
    account->totals[TOTAL_CREDITS_POSTED].minor = (unsigned __int128)balance;
    account->totals[TOTAL_DEBITS_PENDING].minor = (unsigned __int128)reserved;
}

static uint32_t slot_of(const struct ledger_fixture *f, unsigned cycle)
{
    static const struct {
        uint16_t service;
        uint32_t number;
    } WHICH[CYCLES] = {{1, 1}, {1, 2}, {1, 3}, {3, 1}};
    uint32_t slot = cycle_slot(f->ledger, WHICH[cycle].service, WHICH[cycle].number);
    assert_true(slot != REGISTRY_NONE);
    return slot;
}

static void set_world(struct ledger_fixture *f, const struct world *w)
{
    for (uint32_t p = 0; p < PEOPLE; p++) {
        set_account(f, p, ACCOUNT_SETTLEMENT, w->money[p] + w->reserved_money[p],
                    w->reserved_money[p]);
        set_account(f, p, ACCOUNT_COLLATERAL, w->collateral[p], w->reserved_collateral[p]);
        set_account(f, p, ACCOUNT_POSITION, 0, w->reserved_position[p]);
        refdata_set_standing(f->ledger, p, w->suspended[p] ? STANDING_SUSPENDED : STANDING_ACTIVE);
        for (unsigned c = 0; c < CYCLES; c++) {
            const int64_t net = w->nets[c][p];
            struct net *stored = cycle_net(f->ledger, slot_of(f, c), p);
            stored->debits.minor = (unsigned __int128)above_zero(-net);
            stored->credits.minor = (unsigned __int128)above_zero(net);
        }
    }
    cycle_recompute(f->ledger);
    cycle_recompute_owed(f->ledger);
    queue_begin(f->ledger);
    for (unsigned i = 0; i < w->count; i++) {
        const struct payment *p = &w->payments[i];
        struct queue_row row = {.currency = FIXTURE_CNY,
                                .scheme = p->network == NOBODY ? 21 : 20,
                                .place = {.height = 1, .position = p->number},
                                .since = {.height = 1, .position = p->since},
                                .amount = (uint64_t)p->amount,
                                .interchange = p->interchange,
                                .payer_fee = p->payer_fee,
                                .payee_fee = p->payee_fee,
                                .payer = p->payer + 1,
                                .payee = p->payee + 1,
                                .priority = (uint8_t)p->priority};
        assert_int_equal(queue_load(f->ledger, &row), STATUS_OK);
    }
}

/* Three cycles of service 1, two of them closed, and a closed one of service 3, which is settled
   elsewhere. They settle days later. */
static struct ledger_fixture *network(unsigned which, struct world *ret_world)
{
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 64;
    for (uint32_t service = 0; service < 3; service += 2) {
        f->services[service].settlement_days = 3;
        f->services[service].cutoff_count = 2;
        f->services[service].cutoffs[0] = 600;
        f->services[service].cutoffs[1] = 601;
    }
    memset(ret_world, 0, sizeof *ret_world);
    for (uint32_t p = 0; p < PEOPLE; p++) {
        ret_world->sponsor[p] = NOBODY;
    }
    ret_world->covered[COVERED] = true;
    if (which == 1) { /* 2 settles through 1 */
        ret_world->sponsor[1] = 0;
    } else if (which == 2) { /* 1 and 3 settle through 6 */
        ret_world->sponsor[0] = COVERED;
        ret_world->sponsor[2] = COVERED;
    } else if (which == 3) { /* 6 through 1: a member needs no cover of its own */
        ret_world->sponsor[COVERED] = 0;
    }
    for (uint32_t p = 0; p < PEOPLE; p++) {
        f->participants[p].settles_through =
            ret_world->sponsor[p] == NOBODY ? 0 : ret_world->sponsor[p] + 1;
    }
    fixture_start(f);
    for (uint32_t number = 1; number <= 2; number++) {
        struct record rural = fixture_clear(f, 2, 7, 1);
        rural.scheme = 30;
        (void)fixture_batch(f, 2);
        fixture_add(f, fixture_clear(f, 2, 7, 1));
        fixture_add(f, rural);
        fixture_block(f);
        f->block.timestamp_ms = f->ledger->cycles.rows[cycle_slot(f->ledger, 1, number)].cutoff_ms;
        fixture_block(f);
    }
    f->ledger->cycles.rows[slot_of(f, 1)].state = CYCLE_SHORT;
    ret_world->owed[0] = true;
    ret_world->owed[1] = true;
    assert_int_equal(f->ledger->cycles.rows[slot_of(f, 0)].state, CYCLE_CLOSED);
    assert_int_equal(f->ledger->cycles.rows[slot_of(f, 2)].state, CYCLE_OPEN);
    assert_int_equal(f->ledger->cycles.rows[slot_of(f, 3)].state, CYCLE_CLOSED);
    return f;
}

/* ---- Both ---- */

static const struct payment *by_number(const struct world *w, uint32_t number, unsigned *ret_at)
{
    for (unsigned i = 0; i < w->count; i++) {
        if (w->payments[i].number == number) {
            *ret_at = i;
            return &w->payments[i];
        }
    }
    fail_msg("no payment %u", number);
    return NULL;
}

/* The events of the block: releases in their order, then the payments of the offset in theirs. */
static void read_answer(const struct ledger_fixture *f, const struct world *w,
                        struct answer *ret_answer)
{
    unsigned last = 0;
    memset(ret_answer, 0, sizeof *ret_answer);
    for (uint32_t i = 0; i < f->ledger->events.count; i++) {
        struct span value = {f->ledger->events.rows + (size_t)i * EVENT_ROW + EVENT_KEY_BYTES,
                             EVENT_VALUE_BYTES};
        struct event_row event;
        unsigned at = 0;
        assert_int_equal(event_decode(value, &event), STATUS_OK);
        assert_int_equal(event.origin.height, 1);
        (void)by_number(w, event.origin.position, &at);
        if (event.cause == CAUSE_RELEASE) {
            assert_int_equal(ret_answer->offset_count, 0);
            ret_answer->released[ret_answer->release_count++] = event.origin.position;
            continue;
        }
        assert_int_equal(event.cause, CAUSE_OFFSET);
        assert_true(ret_answer->offset_count == 0 || at > last);
        last = at;
        ret_answer->offset |= 1u << at;
        ret_answer->offset_count++;
    }
}

static void run(struct ledger_fixture *f, struct world *w, struct prng *prng, struct tally *tally)
{
    int64_t floors[PEOPLE];
    int64_t none[PEOPLE] = {0};
    struct answer expected;
    struct answer found;
    make_people(w, prng);
    make_payments(w, prng);
    set_world(f, w);
    struct world unbound = *w;
    for (uint32_t p = 0; p < PEOPLE; p++) {
        floors[p] = floor_of(w, p);
    }
    solve(w, floors, &expected);
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    read_answer(f, w, &found);
    if (memcmp(&found, &expected, sizeof found) != 0) {
        fail_msg("seed %u, run %u: released %u, expected %u; offset %x, expected %x", SEED,
                 tally->runs, found.release_count, expected.release_count, found.offset,
                 expected.offset);
    }
    for (uint32_t p = 0; p < PEOPLE; p++) {
        assert_int_equal(fixture_balance(f, p + 1, ACCOUNT_SETTLEMENT),
                         w->money[p] + w->reserved_money[p]);
    }
    ledger_rollback(f->ledger);
    fixture_drop(f);
    queue_begin(f->ledger);
    for (unsigned i = 0; i < w->count; i++) {
        queue_remove(f->ledger, CNY, (struct place){.height = 1, .position = i});
        tally->suspensions += w->suspended[w->payments[i].payer];
        tally->fees += w->payments[i].payer_fee != 0 || w->payments[i].payee_fee != 0;
    }
    solve(&unbound, none, &found);
    tally->floors += memcmp(&found, &expected, sizeof found) != 0;
    tally->released += expected.release_count;
    tally->offset += expected.offset_count;
    tally->runs++;
}

static void test_against_brute_force(void **state)
{
    (void)state;
    struct prng prng = prng_seeded(SEED);
    for (unsigned which = 0; which < NETWORKS; which++) {
        struct world world;
        struct tally tally = {0};
        struct ledger_fixture *f = network(which, &world);
        for (unsigned i = 0; i < RUNS; i++) {
            run(f, &world, &prng, &tally);
        }
        print_message("network %u, seed %u: %u queues, %u payments released, %u offset; floors "
                      "decided %u; with fees %u, of suspended %u\n",
                      which, SEED, tally.runs, tally.released, tally.offset, tally.floors,
                      tally.fees, tally.suspensions);
        /* None of it is rare. */
        assert_true(tally.released > RUNS / 2 && tally.offset > RUNS / 8 &&
                    tally.floors > RUNS / 16 && tally.fees > RUNS && tally.suspensions > RUNS / 8);
        fixture_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_brute_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
