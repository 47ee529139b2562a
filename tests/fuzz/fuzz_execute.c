/*
 * Fuzzes ledger_execute (docs/ledger.md): a small network, and blocks of records of all kinds and
 * of actions that the input spells out. A failed CHECK, a broken invariant, a block that is another
 * one when it is executed again, or a state that cannot be loaded again is a finding.
 *
 * Input: 8 bytes, the network; then steps, each one byte and what it takes:
 *   0     end the batch; the next byte says who files the next one
 *   1     the block is executed, now and then taken back first; commit
 *   2     the same, and the ledger is loaded again from its rows
 *   3     time: u24 seconds
 *   4     an action: kind, proposer, its fields
 *   5     an answer to one of the last actions
 *   6     the bytes of any body
 *   7     a record that is raw bytes over an earlier one
 *   else  a record; odd: an act on an earlier one
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ledger/genesis_rows.h"
#include "tests/support/ledger_fixture.h"

#define RECENT 16u
#define BLOCK_RECORDS 96u
#define BATCHES_MAX 12u
#define BLOCKS_MAX 24u
#define CHECKER 2u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* A run is thousands of times slower than a decoder's. */
extern const int fuzz_random_inputs;
const int fuzz_random_inputs = 1500;

struct input {
    const uint8_t *at;
    size_t left;
};

struct run {
    struct input input;
    struct ledger_fixture *f;
    struct genesis_calendar calendar;
    struct record recent[RECENT];
    uint32_t recent_by[RECENT];
    uint32_t recent_count; /* ever */
    struct hash actions[4];
    uint32_t action_count;
    uint32_t by;
    bool open; /* a batch of records takes more */
    uint32_t records;
    uint32_t blocks;
};

static uint8_t byte(struct run *run)
{
    if (run->input.left == 0) {
        return 0;
    }
    run->input.left--;
    return *run->input.at++;
}

static uint32_t below(struct run *run, uint32_t bound)
{
    return byte(run) % bound;
}

static uint64_t number(struct run *run, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value = value << 8 | byte(run);
    }
    return value;
}

/* Mostly small, now and then as large as it goes. */
static uint64_t amount(struct run *run)
{
    const uint8_t size = byte(run);
    return size < 200 ? 1 + number(run, 1) + size : size < 250 ? number(run, 3) : number(run, 8);
}

static uint32_t someone(struct run *run)
{
    return 1 + below(run, 7);
}

/* ---- The network ---- */

static void draw_schemes(struct run *run)
{
    struct ledger_fixture *f = run->f;
    const uint32_t seconds = 1 + below(run, 64);
    const uint8_t flags = byte(run);
    for (uint32_t i = 0; i < f->genesis.scheme_count; i++) {
        struct genesis_scheme *scheme = &f->schemes[i];
        const bool gross = scheme->service == 2;
        scheme->hold_timeout_s = seconds;
        scheme->match_timeout_s = (flags & 1) != 0 ? 0 : seconds;
        if (!gross) {
            scheme->chargeback_s = 100000;
            scheme->represent_s = seconds;
            scheme->answer_s = seconds;
            scheme->rule_s = (flags & 2) != 0 ? 0 : seconds;
            scheme->pre_arbitrate_s = scheme->network != 0 ? seconds : 0;
        }
        if ((flags & 4) != 0 && !gross && scheme->network != 0) {
            scheme->flags = SCHEME_FEE_MANDATE;
        }
        if ((flags & 8) != 0 && i == 0) {
            scheme->flags |= SCHEME_FEES_BINDING;
            scheme->fee_rule_count = 1;
            scheme->fee_rules[0] = (struct fee_rule){.from_date = 20200101,
                                                     .mcc_to = 9999,
                                                     .which = FEE_INTERCHANGE,
                                                     .rounding = ROUND_HALF_EVEN,
                                                     .rate_ppm = 5000};
        }
    }
}

static void draw_network(struct run *run)
{
    struct ledger_fixture *f = run->f;
    f->genesis.block_records = BLOCK_RECORDS;
    f->genesis.participants_max = 9;
    f->genesis.services_max = 6;
    f->genesis.parameters.queue_max = 1 + below(run, 8);
    f->genesis.parameters.queue_quota = 1 + below(run, f->genesis.parameters.queue_max);
    for (uint32_t i = 0; i < POLICY_COUNT; i++) {
        f->genesis.parameters.policies[i] =
            (struct action_policy){.kind = (uint16_t)(POLICY_KIND_FIRST + i),
                                   .approvals = 2,
                                   .proposers = ROLE_OPERATOR | ROLE_BANK,
                                   .approvers = ROLE_OPERATOR | ROLE_BANK,
                                   .lapse_s = 600};
    }
    const uint8_t flags = byte(run);
    for (uint32_t i = 0; i < f->genesis.limit_count; i++) {
        f->limits[i].cap = (flags & 1u << i) != 0 ? 1000000000 : 300;
    }
    if ((flags & 64) != 0) {
        f->participants[1].settles_through = 3;
        f->participants[5].settles_through = 3;
    }
    const uint32_t window = below(run, 16);
    const uint32_t cutoffs = below(run, 17);
    run->calendar = (struct genesis_calendar){.number = 1, .weekend = 0x60, .name = "days"};
    f->genesis.calendars = &run->calendar;
    f->genesis.calendar_count = 1;
    for (uint32_t i = 0; i < f->genesis.service_count; i++) {
        struct genesis_service *service = &f->services[i];
        if (service->mode == SERVICE_DEFERRED) {
            service->funding_window_s = window;
            service->calendar = (flags & 128) != 0;
            service->cutoff_count = cutoffs > 16 ? 0 : cutoffs;
            for (uint32_t k = 0; k < service->cutoff_count; k++) {
                service->cutoffs[k] = (uint16_t)(k * 89);
            }
        }
    }
    draw_schemes(run);
    fixture_governed(f, 1);
    fixture_start(f);
    /* Money to begin with. */
    (void)fixture_batch(f, FIXTURE_AGENT);
    for (uint32_t i = 1; i <= 7; i++) {
        fixture_add(f, fixture_fund(f, i, 400u + 300u * i));
    }
    fixture_block(f);
}

/* ---- Records ---- */

static struct record beginning(struct run *run)
{
    static const uint16_t schemes[] = {10, 10, 11, 12, 12, 12, 30, 40};
    static const uint16_t kinds[] = {
        RECORD_CLEAR, RECORD_CLEAR,  RECORD_HOLD,   RECORD_PAY,      RECORD_PAY,       RECORD_FEE,
        RECORD_FUND,  RECORD_DEFUND, RECORD_PLEDGE, RECORD_UNPLEDGE, RECORD_CONTRIBUTE};
    struct record r = fixture_clear(run->f, run->by, someone(run), amount(run));
    r.kind = kinds[below(run, sizeof kinds / sizeof kinds[0])];
    r.scheme = schemes[below(run, 8)];
    const uint8_t how = byte(run);
    if (r.payee == run->by) {
        r.payee = run->by % 7 + 1;
    }
    if ((how & 1) != 0 && r.kind != RECORD_PAY) {
        r.payer = r.payee;
        r.payee = run->by;
    }
    if (r.kind == RECORD_FUND) {
        r.payer = 0;
        r.match_key = r.id;
    } else if (r.kind == RECORD_DEFUND || r.kind == RECORD_PLEDGE || r.kind == RECORD_UNPLEDGE ||
               r.kind == RECORD_CONTRIBUTE) {
        r.payer = run->by;
        r.payee = 0;
    } else if (r.kind == RECORD_PAY) {
        r.scheme = (how & 2) != 0 ? 20 : 21;
        r.flags = (how & 4) != 0 && r.scheme == 20 ? RECORD_QUEUE : 0;
        r.priority = r.flags != 0 ? how % 3 : 0;
    }
    if (r.kind == RECORD_FEE) {
        r.scheme = 10;
    } else if (r.kind >= RECORD_FUND) {
        r.scheme = 0;
        r.mcc = 0;
    } else if ((how & 8) != 0) {
        r.interchange = (int8_t)byte(run);
        r.payer_fee = (int8_t)byte(run);
        r.payee_fee = (int8_t)byte(run);
    }
    if ((how & 16) != 0 && r.kind < RECORD_FUND) {
        r.match_key = fixture_id(1000000 + below(run, 8));
    }
    if ((how & 32) != 0 && r.kind < RECORD_FUND) {
        r.timeout_s = byte(run);
    }
    if (r.scheme == 40) {
        r.currency = FIXTURE_USD;
    }
    return r;
}

/* What may be done to a record of that kind; now and then anything. */
static uint16_t act_kind(struct run *run, uint16_t original)
{
    static const uint16_t on_clear[] = {RECORD_CLEAR,   RECORD_CLEAR,      RECORD_REFUND,
                                        RECORD_REVERSE, RECORD_CHARGEBACK, RECORD_AFFIRM,
                                        RECORD_REJECT,  RECORD_CHARGEBACK};
    static const uint16_t on_pay[] = {RECORD_CANCEL, RECORD_REPRIORITISE, RECORD_AFFIRM,
                                      RECORD_REJECT, RECORD_REFUND,       RECORD_REVERSE};
    const uint32_t how = byte(run);
    if (how >= 224) {
        return (uint16_t)(1 + how % 24);
    }
    if (original == RECORD_CLEAR || original == RECORD_CAPTURE) {
        return on_clear[how % 8];
    }
    if (original == RECORD_HOLD) {
        return how % 4 == 0 ? RECORD_RELEASE : RECORD_CAPTURE;
    }
    if (original == RECORD_PAY) {
        return on_pay[how % 6];
    }
    if (original == RECORD_CHARGEBACK) {
        return (uint16_t)(RECORD_ACCEPT + how % 6);
    }
    return how % 4 == 0 ? RECORD_REJECT : RECORD_AFFIRM;
}

/* Mostly one whom the original concerns. */
static uint32_t actor(struct run *run, const struct record *original)
{
    const uint32_t whom = below(run, 5);
    return whom == 0                                      ? someone(run)
           : whom == 1                                    ? FIXTURE_NETWORK
           : original->payer == 0 || original->payee == 0 ? FIXTURE_AGENT
           : whom == 2                                    ? original->payer
                                                          : original->payee;
}

/* Who files an act is seen before its batch begins. */
static const struct record *choose(struct run *run, uint32_t *ret_by)
{
    const uint32_t have = run->recent_count < RECENT ? run->recent_count : RECENT;
    const uint32_t at = below(run, have);
    const uint32_t by = actor(run, &run->recent[at]);
    if (by != run->by && by >= 1 && by <= 7 && run->f->block.batch_count < BATCHES_MAX) {
        run->by = by;
        run->open = false;
    }
    *ret_by = run->recent_by[at];
    return &run->recent[at];
}

static struct record act(struct run *run)
{
    if (run->recent_count == 0) {
        return beginning(run);
    }
    uint32_t filer;
    const struct record *original = choose(run, &filer);
    const uint16_t kind = act_kind(run, original->kind);
    struct record r = *original;
    if (kind == RECORD_CLEAR) { /* another side's half */
        r.id = fixture_id(++run->f->next_id);
        r.flags = 0;
        return r;
    }
    r = fixture_refund(run->f, original, filer, 0);
    r.kind = kind;
    const uint8_t how = byte(run);
    if (kind == RECORD_REFUND || kind == RECORD_CAPTURE || kind == RECORD_CHARGEBACK) {
        r.amount = (how & 1) != 0 ? original->amount : amount(run);
    }
    if ((how & 2) != 0 && (kind == RECORD_REFUND || kind == RECORD_CAPTURE)) {
        r.interchange = (int8_t)byte(run);
        r.payee_fee = (int8_t)byte(run);
    }
    if ((how & 4) != 0) {
        r.flags = kind == RECORD_CAPTURE ? RECORD_FINAL : kind == RECORD_RULE ? RECORD_OUTCOME : 0;
    }
    if (kind == RECORD_CANCEL || kind == RECORD_REPRIORITISE) {
        r.ref_participant = 0;
        r.priority = kind == RECORD_REPRIORITISE ? how % 3 : 0;
    }
    return r;
}

static void raw_record(struct run *run, struct record *r)
{
    uint8_t *bytes = (uint8_t *)r;
    const uint32_t from = below(run, RECORD_BYTES);
    const uint32_t count = below(run, 24);
    for (uint32_t i = 0; i < count && from + i < RECORD_BYTES; i++) {
        bytes[from + i] = byte(run);
    }
}

static void file(struct run *run, uint8_t step)
{
    if (run->records >= BLOCK_RECORDS - 8) {
        return;
    }
    struct record r = step % 2 == 0 ? beginning(run) : act(run);
    if (!run->open) {
        if (run->f->block.batch_count >= BATCHES_MAX) {
            return;
        }
        (void)fixture_batch(run->f, run->by);
        run->open = true;
    }
    if (step == 7) {
        raw_record(run, &r);
    }
    if (step >= 240) {
        r.flags |= RECORD_LINKED;
    }
    run->recent[run->recent_count % RECENT] = r;
    run->recent_by[run->recent_count % RECENT] = run->by;
    run->recent_count++;
    run->records++;
    fixture_add(run->f, r);
}

/* ---- Actions ---- */

static void add_body(struct run *run, uint32_t by, uint32_t key_no, const void *body, size_t length)
{
    if (run->f->block.batch_count >= BATCHES_MAX || length == 0) {
        return;
    }
    run->open = false;
    run->actions[run->action_count++ % 4] =
        fixture_body(run->f, BATCH_ACTION, by, key_no, body, length);
}

static void write_key_changes(struct run *run, struct writer *writer)
{
    const uint32_t count = 1 + below(run, 3);
    writer_u32(writer, someone(run));
    writer_u32(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        struct public_key key = {{0}};
        const uint32_t op = 1 + below(run, 3);
        writer_u32(writer, op);
        writer_u32(writer, 1 + below(run, 8));
        writer_u32(writer, op == 2 ? 0 : below(run, 4));
        writer_u32(writer, 0);
        key.bytes[0] = op == 1 ? byte(run) : 0;
        key.bytes[1] = op == 1;
        writer_copy(writer, &key, sizeof key);
    }
}

static void write_cycle(struct run *run, struct writer *writer)
{
    const struct cycles *cycles = &run->f->ledger->cycles;
    const struct cycle_row *row = &cycles->rows[number(run, 1) % cycles->count];
    const struct hash none = {{0}};
    const uint16_t op = (uint16_t)(1 + below(run, 4));
    writer_u16(writer, row->state != 0 ? row->service : 1);
    writer_u16(writer, op);
    writer_u32(writer, row->state != 0 ? row->number : 1);
    writer_u64(writer, op == 2 ? run->f->block.timestamp_ms + 1000 * number(run, 2) : 0);
    writer_copy(writer, op == 3 ? &row->nets_hash : &none, HASH_BYTES);
}

static void write_participant(struct run *run, struct writer *writer)
{
    const struct genesis *now = &run->f->ledger->refdata.now;
    struct genesis_participant row = now->participants[below(run, now->participant_count)];
    row.key_count = 0;
    row.settles_through = below(run, 9);
    if (below(run, 2) == 0) {
        row.number = now->participants[now->participant_count - 1].number + 1;
        row.status = STANDING_ACTIVE;
        row.transport_key.bytes[1] = byte(run);
        row.key_count = 1;
        row.keys[0] = (struct participant_key){.key_no = 1, .permissions = 3};
        row.keys[0].key.bytes[0] = byte(run);
        row.keys[0].key.bytes[2] = 1;
    }
    genesis_encode_participant(&row, writer);
}

static void write_product(struct run *run, enum action_kind kind, struct writer *writer)
{
    const struct genesis *now = &run->f->ledger->refdata.now;
    if (kind == ACTION_SCHEME) {
        struct genesis_scheme row = now->schemes[below(run, now->scheme_count)];
        row.number = (uint16_t)(row.number + (below(run, 4) == 0 ? 31 : 0));
        row.match_timeout_s = byte(run);
        row.hold_timeout_s = byte(run);
        row.confirmations = (uint16_t)(1 + below(run, 2));
        genesis_encode_scheme(&row, writer);
        return;
    }
    struct genesis_service row = now->services[below(run, now->service_count)];
    row.number = (uint16_t)(row.number + (below(run, 4) == 0 ? 4 : 0));
    row.funding_window_s = byte(run);
    row.settlement_days = row.mode == SERVICE_DEFERRED ? (uint16_t)below(run, 3) : 0;
    writer_u32(writer, 1);
    writer_u32(writer, 0);
    genesis_encode_service(&row, writer);
}

static void write_fields(struct run *run, enum action_kind kind, struct writer *writer)
{
    if (kind == ACTION_PARTICIPANT) {
        write_participant(run, writer);
    } else if (kind == ACTION_KEYS) {
        write_key_changes(run, writer);
    } else if (kind == ACTION_STANDING) {
        writer_u32(writer, someone(run));
        writer_u32(writer, 1 + below(run, 3));
    } else if (kind == ACTION_LIMIT) {
        const struct genesis_limit limit = {.participant = someone(run),
                                            .currency =
                                                below(run, 4) == 0 ? FIXTURE_USD : FIXTURE_CNY,
                                            .flags = (uint16_t)below(run, 2),
                                            .cap = amount(run)};
        genesis_encode_limit(&limit, writer);
    } else if (kind == ACTION_PARAMETERS) {
        struct parameters parameters = run->f->genesis.parameters;
        parameters.queue_max = 1 + below(run, 9);
        parameters.queue_quota = 1 + below(run, 9);
        parameters.fund_share_ppm = (uint32_t)number(run, 3);
        genesis_encode_parameters(&parameters, writer);
    } else if (kind == ACTION_CYCLE) {
        write_cycle(run, writer);
    } else {
        write_product(run, kind, writer);
    }
}

static void propose(struct run *run)
{
    static uint8_t body[ACTION_BYTES_MAX];
    struct writer writer = writer_over(body, sizeof body);
    const enum action_kind kind = (enum action_kind)(ACTION_PARTICIPANT + below(run, 8));
    writer_u16(&writer, ACTION_VERSION);
    writer_u16(&writer, (uint16_t)kind);
    writer_u32(&writer, 0);
    const uint32_t by = someone(run);
    write_fields(run, kind, &writer);
    CHECK(!writer.failed);
    add_body(run, by, 1, body, writer.used);
}

static void answer(struct run *run)
{
    uint8_t body[ACTION_BYTES_MAX];
    const uint32_t of = below(run, 4);
    const struct action action = action_answering(
        below(run, 8) == 0 ? ACTION_DISAPPROVE : ACTION_APPROVE, &run->actions[of]);
    const uint32_t by = someone(run);
    const size_t length = action_body(&action, body);
    if (run->f->block.batch_count < BATCHES_MAX) {
        run->open = false;
        (void)fixture_body(run->f, BATCH_ACTION, by, CHECKER, body, length);
    }
}

static void raw_body(struct run *run)
{
    uint8_t body[256];
    const uint32_t length = byte(run);
    for (uint32_t i = 0; i < length; i++) {
        body[i] = byte(run);
    }
    const uint32_t by = someone(run);
    add_body(run, by, 1 + below(run, 2), body, length);
}

/* ---- Blocks ---- */

static void found(const struct run *run, const char *what)
{
    (void)fprintf(stderr, "fuzz_execute: height %llu: %s\n",
                  (unsigned long long)run->f->block.height, what);
    abort();
}

/* A key that an action took away makes the block invalid; nothing else here may. */
static bool execute(struct run *run)
{
    const enum ledger_result result = fixture_execute(run->f);
    if (result == LEDGER_INVARIANT) {
        found(run, run->f->fault.what);
    }
    return result == LEDGER_OK;
}

static void end_block(struct run *run, bool reload)
{
    struct ledger_fixture *f = run->f;
    run->open = false;
    run->records = 0;
    run->blocks++;
    if (!execute(run)) {
        fixture_drop(f);
        return;
    }
    if (byte(run) % 4 == 0) {
        const struct hash hash = f->outcome->block_hash;
        ledger_rollback(f->ledger);
        if (!execute(run) || !hash_equal(&hash, &f->outcome->block_hash)) {
            found(run, "executed again it is another block");
        }
    }
    fixture_commit(f);
    if (reload) {
        fixture_reload(f); /* checks every digest and every invariant from nothing */
    }
}

static void step(struct run *run)
{
    const uint8_t what = byte(run);
    switch (what) {
    case 0:
        run->open = false;
        run->by = someone(run);
        break;
    case 1:
    case 2:
        end_block(run, what == 2);
        break;
    case 3:
        run->f->block.timestamp_ms += 1000 * (number(run, 3) % 400000);
        break;
    case 4:
        propose(run);
        break;
    case 5:
        answer(run);
        break;
    case 6:
        raw_body(run);
        break;
    default:
        file(run, what);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 8) {
        return 0;
    }
    /* Large buffers come as fresh pages, which are zero without being cleared. */
    (void)mallopt(M_MMAP_THRESHOLD, 256 << 10);
    struct run run = {.input = {data, size}, .by = 1};
    run.f = fixture_new();
    draw_network(&run);
    while (run.input.left > 0 && run.blocks < BLOCKS_MAX) {
        step(&run);
    }
    end_block(&run, true);
    fixture_free(run.f);
    return 0;
}
