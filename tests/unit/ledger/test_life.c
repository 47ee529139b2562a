/*
 * Goal: what holds for lives whatever is filed (docs/ledger.md, Lives): random records of all
 * kinds, good and bad, with time jumping; after every block the pending totals are what the lives
 * reserve, nothing is returned or captured beyond its record, events_root proves every event, the
 * block gives the same bytes after a rollback and after a reload.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/merkle.h"
#include "tests/support/ledger_acts.h"

#define RECENT 96u
#define BATCH_COUNT 6u
#define RECORDS 10u

struct filed {
    uint32_t by;
    struct record record;
};

struct world {
    struct ledger_fixture *f;
    struct prng prng;
    struct filed recent[RECENT];
    unsigned count;
    uint64_t accepted[25]; /* by kind */
};

static uint32_t any_participant(struct world *w)
{
    return 1 + (uint32_t)prng_below(&w->prng, 7);
}

static struct record any_fresh(struct world *w, uint32_t by)
{
    struct ledger_fixture *f = w->f;
    uint32_t other = 1 + (by + (uint32_t)prng_below(&w->prng, 6)) % 7;
    bool pays = prng_below(&w->prng, 2) == 0;
    uint32_t payer = pays ? by : other;
    uint32_t payee = pays ? other : by;
    uint64_t amount = 1 + prng_below(&w->prng, 5000);
    struct record record = fixture_clear(f, payer, payee, amount);
    static const uint16_t SCHEMES[] = {10, 11, 12, 12, 12, 30};
    record.scheme = SCHEMES[prng_below(&w->prng, 6)];
    switch (prng_below(&w->prng, 10)) {
    case 0:
        record = fixture_pay(f, by, other, amount);
        record.scheme = prng_below(&w->prng, 3) == 0 ? 21 : 20;
        break;
    case 1:
        record = fixture_pay(f, by, other, amount * 3);
        record.flags = RECORD_QUEUE;
        record.priority = (uint8_t)prng_below(&w->prng, 3);
        break;
    case 2:
        record.kind = RECORD_HOLD;
        break;
    case 3:
        record.kind = RECORD_FEE;
        record.mcc = 0;
        break;
    case 4:
        record = fixture_fund(f, other, amount * 4);
        break;
    case 5:
        record = fixture_pay(f, by, 0, amount);
        record.scheme = 0;
        record.kind = (uint16_t)(RECORD_DEFUND + prng_below(&w->prng, 4));
        break;
    default:
        break;
    }
    if (record.kind <= RECORD_HOLD && record.kind != RECORD_PAY && prng_below(&w->prng, 3) == 0) {
        record.payer_fee = (int64_t)prng_below(&w->prng, 30) - 5;
        record.interchange = (int64_t)prng_below(&w->prng, 20) - 10;
    }
    if (record.kind < RECORD_FUND && prng_below(&w->prng, 2) == 0) {
        record.match_key = fixture_id(5000000 + prng_below(&w->prng, 40));
    }
    if (record.kind != RECORD_FEE && record.kind < RECORD_FUND) {
        record.timeout_s = (uint32_t)prng_below(&w->prng, 20);
    }
    return record;
}

/* The same transaction again, as another side would say it, or nearly. */
static struct record any_half(struct world *w, const struct filed *of)
{
    struct record record = of->record;
    record.id = fixture_id(++w->f->next_id);
    if (prng_below(&w->prng, 3) == 0) {
        record.amount += 1;
    }
    return record;
}

/* A step of the ladder that the participant may take. */
static enum record_kind any_step(struct world *w, const struct record *chargeback, uint32_t by)
{
    uint64_t dice = prng_below(&w->prng, 10);
    if (by == chargeback->payer) {
        return dice == 0 ? RECORD_WITHDRAW : RECORD_PRE_ARBITRATE;
    }
    if (by == chargeback->payee) {
        return dice == 0 ? RECORD_ACCEPT : dice < 5 ? RECORD_REPRESENT : RECORD_DECLINE;
    }
    return RECORD_RULE;
}

/* A kind that can act on the other, mostly. */
static enum record_kind any_act_kind(struct world *w, const struct record *of, uint32_t by)
{
    static const enum record_kind ON_CLEAR[] = {RECORD_AFFIRM, RECORD_REJECT, RECORD_REVERSE,
                                                RECORD_REFUND, RECORD_CHARGEBACK};
    static const enum record_kind ON_HOLD[] = {RECORD_CAPTURE, RECORD_CAPTURE, RECORD_RELEASE};
    static const enum record_kind ON_PAY[] = {RECORD_AFFIRM, RECORD_REJECT,       RECORD_REFUND,
                                              RECORD_CANCEL, RECORD_REPRIORITISE, RECORD_REVERSE};
    static const enum record_kind ON_OTHER[] = {RECORD_AFFIRM, RECORD_REJECT};
    if (prng_below(&w->prng, 8) == 0) {
        return RECORD_AFFIRM + (enum record_kind)prng_below(&w->prng, 17);
    }
    switch (of->kind) {
    case RECORD_CLEAR:
    case RECORD_CAPTURE:
        return ON_CLEAR[prng_below(&w->prng, 5)];
    case RECORD_HOLD:
        return ON_HOLD[prng_below(&w->prng, 3)];
    case RECORD_PAY:
        return ON_PAY[prng_below(&w->prng, 6)];
    case RECORD_CHARGEBACK:
        return any_step(w, of, by);
    }
    return ON_OTHER[prng_below(&w->prng, 2)];
}

static struct record any_act(struct world *w, const struct filed *of, uint32_t by)
{
    enum record_kind kind = any_act_kind(w, &of->record, by);
    struct record record = acts_on(w->f, kind, &of->record, of->by == by ? 0 : of->by);
    if (kind == RECORD_REFUND || kind == RECORD_CAPTURE || kind == RECORD_CHARGEBACK) {
        record.amount = 1 + prng_below(&w->prng, of->record.amount + 1);
    }
    if (kind == RECORD_CAPTURE && prng_below(&w->prng, 4) == 0) {
        record.flags = RECORD_FINAL;
    }
    if (kind == RECORD_RULE && prng_below(&w->prng, 2) == 0) {
        record.flags = RECORD_OUTCOME;
    }
    if (kind == RECORD_CANCEL || kind == RECORD_REPRIORITISE) {
        record.ref_participant = 0;
        record.priority = kind == RECORD_CANCEL ? 0 : (uint8_t)prng_below(&w->prng, 3);
    }
    return record;
}

/* One that the participant is a side of, if a few tries find it. */
static const struct filed *any_recent(struct world *w, uint32_t by)
{
    const struct filed *of = NULL;
    bool disputes = prng_below(&w->prng, 4) == 0;
    for (unsigned i = 0; disputes && i < w->count; i++) {
        of = &w->recent[i];
        if (of->record.kind == RECORD_CHARGEBACK && prng_below(&w->prng, 2) == 0) {
            return of;
        }
    }
    for (unsigned tries = 0; tries < 12 && w->count > 0; tries++) {
        of = &w->recent[prng_below(&w->prng, w->count)];
        if (of->record.payer == by || of->record.payee == by || by == FIXTURE_NETWORK ||
            by == FIXTURE_AGENT) {
            return of;
        }
    }
    return of;
}

static void add_block(struct world *w)
{
    for (unsigned b = 0; b < BATCH_COUNT; b++) {
        uint32_t by = any_participant(w);
        (void)fixture_batch(w->f, by);
        for (unsigned i = 0; i < RECORDS; i++) {
            const struct filed *of = any_recent(w, by);
            uint64_t dice = prng_below(&w->prng, 10);
            struct record record = of == NULL || dice < 4 ? any_fresh(w, by)
                                   : dice < 6             ? any_half(w, of)
                                                          : any_act(w, of, by);
            if (prng_below(&w->prng, 12) == 0 && i + 1 < RECORDS) {
                record.flags |= RECORD_LINKED;
            }
            fixture_add(w->f, record);
        }
    }
}

/* Sums of what lives reserve, and bounds on what was returned. */
struct audit {
    struct ledger_store *store;
    unsigned __int128 reserved;
};

static void audit_life(void *context, struct span key, struct span value)
{
    struct audit *audit = context;
    struct life_row life;
    assert_int_equal(life_decode(value, &life), STATUS_OK);
    struct ledger_reader reader = ledger_store_reader(audit->store);
    struct record record;
    uint16_t verdict = 0;
    uint32_t submitter = 0;
    assert_true(reader.record(reader.context, get_be64(key.data), get_be32(key.data + 8), &record,
                              &verdict, &submitter));
    assert_true(verdict_is_accepted(verdict));
    audit->reserved += life.reserved_amount;
    audit->reserved += life.reserved_fee;
    assert_true(life.returned <= record.amount);
    assert_true(life.reserved_amount <=
                record.amount - (record.kind == RECORD_HOLD ? life.returned : 0));
    bool waits =
        life.state == LIFE_WAITING || life.state == LIFE_EXCEPTION || life.state == LIFE_HELD;
    assert_true(waits || (life.reserved_amount == 0 && life.reserved_fee == 0));
    assert_true(life.state != LIFE_LINKED || life.parent.height != 0);
}

static void audit_block(struct world *w)
{
    struct ledger_fixture *f = w->f;
    struct audit audit = {.store = f->store};
    ledger_store_each(f->store, TABLE_LIFE, audit_life, &audit);
    unsigned __int128 pending = 0;
    for (uint32_t i = 0; i < f->ledger->account_count; i++) {
        pending += f->ledger->accounts[i].totals[TOTAL_DEBITS_PENDING].minor;
    }
    assert_true(pending == audit.reserved);
    /* events_root over the stored rows. */
    const struct block_header *header = ledger_store_header(f->store);
    struct merkle_frontier frontier = {.size = 0};
    for (uint32_t i = 0; i < header->event_count; i++) {
        uint8_t key[EVENT_KEY_BYTES];
        event_key(header->height, i, key);
        struct span row = ledger_store_get(f->store, TABLE_EVENTS, key, sizeof key);
        assert_non_null(row.data);
        struct hash leaf = merkle_leaf(row.data, row.length);
        merkle_frontier_append(&frontier, &leaf);
    }
    struct hash root = merkle_frontier_root(&frontier);
    assert_true(hash_equal(&root, &header->events_root));
}

static void run_block(struct world *w)
{
    struct ledger_fixture *f = w->f;
    enum ledger_result result = fixture_execute(f);
    if (result != LEDGER_OK) {
        fail_msg("%s", f->fault.what);
    }
    struct block_header header = f->outcome->header;
    ledger_rollback(f->ledger);
    if (prng_below(&w->prng, 8) == 0) {
        fixture_reload(f);
    }
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    assert_memory_equal(&header, &f->outcome->header, sizeof header);
    for (unsigned b = 0; b < f->block.batch_count; b++) {
        for (uint32_t i = 0; i < f->parts[b].header.count; i++) {
            const struct record *record = &f->parts[b].records[i];
            bool accepted = verdict_is_accepted(fixture_verdict(f, b, i));
            w->accepted[accepted ? record->kind : 0]++;
            if (accepted || prng_below(&w->prng, 30) == 0) {
                unsigned at =
                    w->count < RECENT ? w->count++ : (unsigned)prng_below(&w->prng, RECENT);
                w->recent[at] =
                    (struct filed){.by = f->parts[b].header.participant, .record = *record};
            }
        }
    }
    fixture_commit(f);
    audit_block(w);
}

static void run_seed(uint64_t seed, unsigned blocks, uint64_t *accepted)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->f = fixture_new();
    w->prng = prng_seeded(seed);
    w->f->genesis.block_records = 64;
    for (unsigned i = 0; i < 3; i++) {
        w->f->schemes[i].chargeback_s = 300;
        w->f->schemes[i].represent_s = 50;
        if (w->f->schemes[i].network != 0) {
            w->f->schemes[i].pre_arbitrate_s = 60;
            w->f->schemes[i].answer_s = 50;
            w->f->schemes[i].rule_s = 40;
        }
    }
    w->f->schemes[2].submitters = SIDE_PAYER | SIDE_PAYEE | SIDE_NETWORK;
    fixture_start(w->f);
    for (unsigned i = 0; i < blocks; i++) {
        uint64_t pause_ms = 500 + prng_below(&w->prng, 4000);
        if (prng_below(&w->prng, 100) == 0) {
            pause_ms = 12ull * 3600 * 1000;
        }
        acts_wait(w->f, pause_ms);
        add_block(w);
        run_block(w);
    }
    for (unsigned i = 0; i < 25; i++) {
        accepted[i] += w->accepted[i];
    }
    fixture_free(w->f);
    free(w);
}

static void test_random_lives(void **state)
{
    (void)state;
    uint64_t accepted[25] = {0};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        run_seed(seed, 250, accepted);
    }
    for (unsigned kind = 1; kind < 25; kind++) {
        print_message("%s %llu\n", record_kind_name(kind), (unsigned long long)accepted[kind]);
    }
    for (unsigned kind = 1; kind < 25; kind++) {
        assert_true(accepted[kind] > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
