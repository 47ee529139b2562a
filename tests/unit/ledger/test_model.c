/*
 * Goal: on pseudo-random days the ledger gives the verdicts and balances of a second, naive model
 * that keeps everything in plain lists and copies its whole state at the start of a chain. Form and
 * authority verdicts, which have a table of their own (test_verdicts.c), are taken as they come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ledger_fixture.h"

#define PARTICIPANTS 8u /* by number, from 1 */
#define KNOWN_MAX 20000u

/* An id that was taken, and its record. */
struct known {
    uint32_t participant;
    struct record record;
    unsigned verdict;
    uint32_t principal; /* of a CONFIRMED one: what it confirms */
};

struct model {
    int64_t settlement[PARTICIPANTS];
    int64_t nets[2][PARTICIPANTS]; /* of services 1 and 3 */
    int64_t cash;
    uint32_t known_count;
    uint32_t key_count;
    uint64_t returned[KNOWN_MAX]; /* of each known record */
    struct known known[KNOWN_MAX];
    struct record_id keys[KNOWN_MAX];
    uint16_t key_schemes[KNOWN_MAX];
    uint32_t key_of[KNOWN_MAX]; /* the known record that the key names */
    unsigned heard[KNOWN_MAX];  /* its sides that said so, by key */
};

static const int64_t CAPS[PARTICIPANTS] = {0, 100000000, 100000000, 100000000, 0, 0, 50000000, 0};

static int64_t owed(int64_t net)
{
    return net < 0 ? -net : 0;
}

static uint32_t find_known(const struct model *m, uint32_t participant, const struct record_id *id)
{
    for (uint32_t i = 0; i < m->known_count; i++) {
        if (m->known[i].participant == participant &&
            memcmp(&m->known[i].record.id, id, sizeof *id) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* What each participant gains. */
static void effects_of(const struct record *r, int64_t effects[PARTICIPANTS])
{
    memset(effects, 0, PARTICIPANTS * sizeof *effects);
    int64_t amount = r->kind == RECORD_REFUND ? -(int64_t)r->amount : (int64_t)r->amount;
    effects[r->payer] += -amount + r->interchange - r->payer_fee;
    effects[r->payee] += amount - r->interchange - r->payee_fee;
    effects[FIXTURE_NETWORK] += r->payer_fee + r->payee_fee;
}

static unsigned check_money(const struct model *m, const struct record *r,
                            const int64_t effects[PARTICIPANTS])
{
    unsigned worst = UINT16_MAX;
    for (uint32_t p = 1; p < PARTICIPANTS; p++) {
        if (effects[p] >= 0) {
            continue;
        }
        int64_t nets[2] = {m->nets[0][p], m->nets[1][p]};
        int64_t settlement = m->settlement[p];
        unsigned verdict = UINT16_MAX;
        if (r->scheme == 20) {
            int64_t floor = p == FIXTURE_COVERED ? owed(nets[0]) + owed(nets[1]) : 0;
            settlement += effects[p];
            verdict = settlement < 0       ? VERDICT_INSUFFICIENT_FUNDS
                      : settlement < floor ? VERDICT_FLOOR
                                           : verdict;
        } else {
            nets[r->scheme == 30] += effects[p];
            int64_t exposure = owed(nets[0]) + owed(nets[1]);
            verdict = exposure > CAPS[p]                              ? VERDICT_CAP
                      : p == FIXTURE_COVERED && exposure > settlement ? VERDICT_COVER
                                                                      : verdict;
        }
        worst = verdict < worst ? verdict : worst;
    }
    return worst == UINT16_MAX ? VERDICT_POSTED : worst;
}

static unsigned check_refund(const struct model *m, uint32_t by, const struct record *r,
                             uint32_t *ret_original)
{
    uint32_t at = find_known(m, r->ref_participant != 0 ? r->ref_participant : by, &r->ref);
    if (at == UINT32_MAX) {
        return VERDICT_REF_NOT_FOUND;
    }
    at = m->known[at].verdict == VERDICT_CONFIRMED ? m->known[at].principal : at;
    const struct known *original = &m->known[at];
    if (original->verdict != VERDICT_POSTED) {
        return VERDICT_REF_NOT_POSTED;
    }
    if (original->record.kind != RECORD_CLEAR && original->record.kind != RECORD_PAY) {
        return VERDICT_REF_KIND;
    }
    if (original->record.payer != r->payer || original->record.payee != r->payee ||
        original->record.scheme != r->scheme) {
        return VERDICT_REF_DIFFERS;
    }
    *ret_original = at;
    return m->returned[at] + r->amount > original->record.amount ? VERDICT_EXCEEDS_REMAINING
                                                                 : VERDICT_POSTED;
}

static bool has_key(const struct record *r)
{
    return r->kind != RECORD_REFUND && !bytes_are_zero(&r->match_key, sizeof r->match_key);
}

static unsigned sides_in(const struct record *r, uint32_t by)
{
    return (by == r->payer ? SIDE_PAYER : 0u) | (by == r->payee ? SIDE_PAYEE : 0u) |
           (by == FIXTURE_NETWORK ? SIDE_NETWORK : 0u);
}

static bool equal(const struct record *a, const struct record *b)
{
    return a->payer == b->payer && a->payee == b->payee && a->amount == b->amount &&
           a->interchange == b->interchange && a->payer_fee == b->payer_fee &&
           a->payee_fee == b->payee_fee && a->business_date == b->business_date;
}

/* Nothing here waits or ends: a named transaction is posted, and a further side may confirm it. */
static unsigned check_key(const struct model *m, uint32_t by, const struct record *r,
                          uint32_t *ret_key)
{
    uint32_t i = 0;
    while (i < m->key_count && (m->key_schemes[i] != r->scheme ||
                                memcmp(&m->keys[i], &r->match_key, sizeof r->match_key) != 0)) {
        i++;
    }
    if (!has_key(r) || i == m->key_count) {
        return VERDICT_POSTED;
    }
    *ret_key = i;
    const struct record *named = &m->known[m->key_of[i]].record;
    unsigned sides = sides_in(named, by);
    if (r->kind != RECORD_CLEAR || named->kind != RECORD_CLEAR) {
        return VERDICT_DUPLICATE_KEY;
    }
    if (sides == 0) {
        return VERDICT_KEY_OF_OTHERS;
    }
    if ((sides & ~m->heard[i]) == 0) {
        return VERDICT_DUPLICATE_KEY;
    }
    return equal(named, r) ? VERDICT_CONFIRMED : VERDICT_KEY_DIFFERS;
}

static void post(struct model *m, uint32_t by, const struct record *r,
                 const int64_t effects[PARTICIPANTS], uint32_t original)
{
    if (r->kind == RECORD_FUND) {
        m->settlement[r->payee] += (int64_t)r->amount;
        m->cash -= (int64_t)r->amount;
    } else {
        for (uint32_t p = 1; p < PARTICIPANTS; p++) {
            *(r->scheme == 20 ? &m->settlement[p] : &m->nets[r->scheme == 30][p]) += effects[p];
        }
    }
    if (r->kind == RECORD_REFUND) {
        m->returned[original] += r->amount;
    }
    if (has_key(r)) {
        m->key_schemes[m->key_count] = r->scheme;
        m->key_of[m->key_count] = find_known(m, by, &r->id);
        m->heard[m->key_count] = sides_in(r, by);
        m->keys[m->key_count++] = r->match_key;
    }
}

/* The model's verdict; actual is the ledger's, used for form and authority only. The record's id is
   taken by now. */
static unsigned file_admitted(struct model *m, uint32_t by, const struct record *r)
{
    uint32_t original = 0;
    uint32_t key = 0;
    unsigned verdict =
        r->kind == RECORD_REFUND ? check_refund(m, by, r, &original) : check_key(m, by, r, &key);
    if (verdict == VERDICT_CONFIRMED) {
        m->heard[key] |= sides_in(&m->known[m->key_of[key]].record, by);
        m->known[find_known(m, by, &r->id)].principal = m->key_of[key];
    }
    int64_t effects[PARTICIPANTS] = {0};
    if (verdict == VERDICT_POSTED && r->kind != RECORD_FUND) {
        effects_of(r, effects);
        verdict = check_money(m, r, effects);
    }
    if (verdict == VERDICT_POSTED) {
        post(m, by, r, effects, original);
    }
    return verdict;
}

/* Idempotency, then what the ledger found in form and authority. */
static unsigned admit(struct model *m, uint32_t by, const struct record *r, unsigned actual,
                      uint32_t *ret_known)
{
    uint32_t known = find_known(m, by, &r->id);
    if (known != UINT32_MAX) {
        bool same = memcmp(&m->known[known].record, r, sizeof *r) == 0;
        return same ? VERDICT_EXISTS : VERDICT_EXISTS_DIFFERENT;
    }
    assert_true(m->known_count < KNOWN_MAX);
    *ret_known = m->known_count;
    m->returned[m->known_count] = 0;
    m->known[m->known_count++] =
        (struct known){.participant = by, .record = *r, .verdict = UINT16_MAX};
    return actual >= 100 && actual < 300 ? actual : VERDICT_POSTED;
}

/* Everything but which ids are taken goes back to before. */
static void restore(struct model *m, const struct model *before)
{
    memcpy(m->settlement, before->settlement, sizeof m->settlement);
    memcpy(m->nets, before->nets, sizeof m->nets);
    memcpy(m->returned, before->returned, before->known_count * sizeof *m->returned);
    memset(m->returned + before->known_count, 0,
           (m->known_count - before->known_count) * sizeof *m->returned);
    m->cash = before->cash;
    m->key_count = before->key_count;
    memcpy(m->heard, before->heard, m->key_count * sizeof *m->heard);
}

static void expect_chain(struct model *m, struct model *before, uint32_t by,
                         const struct record *records, const uint16_t *actual, uint32_t count)
{
    unsigned expected[512];
    uint32_t known[512];
    assert_true(count <= 512);
    uint32_t failed = UINT32_MAX;
    memcpy(before, m, sizeof *m);
    for (uint32_t i = 0; i < count; i++) {
        known[i] = UINT32_MAX;
        expected[i] = admit(m, by, &records[i], actual[i], &known[i]);
        if (expected[i] == VERDICT_POSTED && failed == UINT32_MAX) {
            expected[i] = file_admitted(m, by, &records[i]);
        } else if (expected[i] == VERDICT_POSTED) {
            expected[i] = VERDICT_LINKED_FAILED;
        }
        if (expected[i] > VERDICT_CONFIRMED && failed == UINT32_MAX) {
            failed = i;
            restore(m, before);
        }
        if (known[i] != UINT32_MAX) {
            m->known[known[i]].verdict = expected[i];
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (failed != UINT32_MAX && i < failed) {
            expected[i] = VERDICT_LINKED_FAILED;
            m->known[known[i]].verdict = VERDICT_LINKED_FAILED;
        }
        if (expected[i] != actual[i]) {
            print_error("record %u of chain of %u: model %s, ledger %s\n", i, count,
                        verdict_name(expected[i]), verdict_name(actual[i]));
        }
        assert_int_equal(actual[i], expected[i]);
    }
}

static void expect_batch(struct model *m, struct model *before, const struct fixture_batch *batch,
                         const uint16_t *actual)
{
    for (uint32_t first = 0; first < batch->header.count;) {
        uint32_t last = first;
        while (last + 1 < batch->header.count &&
               (batch->records[last].flags & RECORD_LINKED) != 0) {
            last++;
        }
        expect_chain(m, before, batch->header.participant, batch->records + first, actual + first,
                     last - first + 1);
        first = last + 1;
    }
}

static void assert_same_balances(const struct ledger_fixture *f, const struct model *m)
{
    for (uint32_t p = 1; p < PARTICIPANTS; p++) {
        assert_int_equal(fixture_balance(f, p, ACCOUNT_SETTLEMENT), m->settlement[p]);
        assert_int_equal(fixture_balance(f, p, ACCOUNT_POSITION), m->nets[0][p] + m->nets[1][p]);
        for (unsigned cycle = 0; cycle < 2; cycle++) {
            const struct net *net =
                cycle_net(f->ledger, cycle_slot(f->ledger, cycle == 0 ? 1 : 3, 1), p - 1);
            assert_int_equal((int64_t)total_balance(net->credits, net->debits).minor,
                             m->nets[cycle][p]);
        }
    }
    assert_int_equal(fixture_hub_balance(f, ACCOUNT_CASH), m->cash);
}

static void run(uint64_t seed)
{
    struct ledger_fixture *f = fixture_new();
    /* The model knows one cycle a service. */
    for (uint32_t i = 0; i < f->genesis.service_count; i++) {
        f->services[i].cutoff_count = 0;
    }
    fixture_start(f);
    struct model *m = calloc(1, sizeof *m);
    struct model *before = malloc(sizeof *before);
    assert_non_null(m);
    assert_non_null(before);
    struct prng prng = prng_seeded(seed);
    for (unsigned height = 0; height < 12; height++) {
        unsigned batches = 1 + (unsigned)prng_below(&prng, 6);
        unsigned records = 1 + (unsigned)prng_below(&prng, 60);
        fixture_random_block(f, &prng, batches, records);
        assert_int_equal(fixture_execute(f), LEDGER_OK);
        for (uint32_t i = 0; i < f->block.batch_count; i++) {
            expect_batch(m, before, &f->parts[i], f->verdicts + f->starts[i]);
        }
        fixture_commit(f);
        assert_same_balances(f, m);
        if (height % 4 == 3) {
            fixture_reload(f);
        }
    }
    fixture_free(f);
    free(m);
    free(before);
}

static void test_against_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        run(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
