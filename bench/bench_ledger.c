/*
 * bench_ledger: what executing a block costs on one thread: prefetch and execute of full blocks of
 * card purchases with fees and a share of refunds, one-sided, and of transfers that both banks
 * file; closing and settling a cycle; a gridlock. Record hashes are precomputed, rows kept in
 * memory: durable storage is not part of it (docs/benchmarks.md). Times are of this thread's
 * processor time, so that what else the machine does falls on them less.
 *
 *   bench_ledger [BLOCKS [PARTICIPANTS]]     default 30 blocks of 32,768 records, 450 participants
 *   bench_ledger --close [RECORDS]           closing after a million and after RECORDS (10 million)
 *   bench_ledger --gridlock [ROUNDS]         10,000 payments that only settle together, 5 times
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/prng.h"
#include "ledger/ledger.h"
#include "ledger/state.h"

#define BATCHES 4u
#define CURRENCY 156
#define NETWORK 1u
#define AGENT 2u
#define FIRST_BANK 3u
#define RING 100u /* payers in a gridlock, each with as many payments */
#define BLOCK_MS 1000u
#define DAY_MS 86400000u

enum sides_filing { ONE_SIDED, TWO_SIDED };

struct bench {
    struct genesis genesis;
    struct genesis_currency currency;
    struct genesis_participant *participants;
    struct genesis_limit *limits;
    struct genesis_service services[2];
    struct genesis_scheme schemes[3];
    struct genesis_validator validator;
    struct hash chain_id;
    struct ledger *ledger;
    struct working_set *working_set;
    struct batch_header headers[RING];
    struct record *records; /* BATCHES * LIMIT_BATCH_RECORDS */
    struct hash *hashes;
    struct prng prng;
    uint64_t next_id;
    bool random_ids;
    bool hashless; /* no real record hashes: only ids being equal would show it */
    enum sides_filing filing;
    struct block_header tip;
};

static double seconds(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *zeroed(size_t size)
{
    void *memory = aligned_alloc(64, (size + 63) / 64 * 64);
    CHECK(memory != NULL);
    memset(memory, 0, size);
    return memory;
}

static bool nothing(void *context, enum ledger_table table, const void *key, size_t key_length,
                    struct span *ret_value)
{
    (void)context;
    (void)table;
    (void)key;
    (void)key_length;
    (void)ret_value;
    return false;
}

static bool no_record(void *context, uint64_t height, uint32_t position, struct record *ret_record,
                      uint16_t *ret_verdict, uint32_t *ret_submitter)
{
    (void)context;
    (void)height;
    (void)position;
    (void)ret_record;
    (void)ret_verdict;
    (void)ret_submitter;
    return false;
}

static bool no_time(void *context, uint64_t height, uint64_t *ret_timestamp_ms)
{
    (void)context;
    (void)height;
    (void)ret_timestamp_ms;
    return false;
}

static bool no_row(void *context, enum ledger_table table, const void *key, size_t key_length,
                   struct span *ret_key, struct span *ret_value)
{
    (void)context;
    (void)table;
    (void)key;
    (void)key_length;
    (void)ret_key;
    (void)ret_value;
    return false;
}

static void declare(struct bench *bench, uint32_t participants, bool cutoff)
{
    struct genesis *genesis = &bench->genesis;
    bench->participants = zeroed(participants * sizeof *bench->participants);
    bench->limits = zeroed(participants * sizeof *bench->limits);
    for (uint32_t i = 0; i < participants; i++) {
        struct genesis_participant *p = &bench->participants[i];
        p->number = i + 1;
        p->roles = i + 1 == NETWORK ? ROLE_NETWORK : i + 1 == AGENT ? ROLE_AGENT : ROLE_BANK;
        (void)snprintf(p->name, sizeof p->name, "Participant %u", i + 1);
        p->status = STANDING_ACTIVE;
        p->key_count = 1;
        p->keys[0] = (struct participant_key){1, PERMISSION_SUBMIT, {{1}}};
        bench->limits[i] = (struct genesis_limit){i + 1, CURRENCY, 0, LIMIT_AMOUNT / 2};
    }
    bench->currency = (struct genesis_currency){CURRENCY, 2, "CNY"};
    bench->services[0] = (struct genesis_service){.number = 1,
                                                  .currency = CURRENCY,
                                                  .mode = SERVICE_DEFERRED,
                                                  .settlement = SETTLEMENT_PREFUNDED,
                                                  .cutoff_count = cutoff ? 1 : 0,
                                                  .name = "cards"};
    bench->services[1] = (struct genesis_service){.number = 2,
                                                  .currency = CURRENCY,
                                                  .mode = SERVICE_GROSS,
                                                  .settlement = SETTLEMENT_PREFUNDED,
                                                  .name = "instant"};
    bench->schemes[0] = (struct genesis_scheme){.number = 1,
                                                .service = 1,
                                                .submitters = 7,
                                                .confirmations = 1,
                                                .network = 1,
                                                .name = "debit"};
    bench->schemes[1] = (struct genesis_scheme){.number = 2,
                                                .service = 2,
                                                .submitters = 1,
                                                .confirmations = 1,
                                                .network = 1,
                                                .name = "gross payment"};
    bench->schemes[2] = (struct genesis_scheme){
        .number = 3, .service = 1, .submitters = 3, .confirmations = 2, .name = "transfer"};
    bench->validator =
        (struct genesis_validator){.participant = 1, .key = {{1}}, .transport_key = {{1}}};
    *genesis = (struct genesis){.network = "bench",
                                .created_ms = 1790000000000,
                                .delta_ms = 400,
                                .empty_interval_ms = 30000,
                                .block_records = LIMIT_BLOCK_RECORDS,
                                .participants_max = participants,
                                .services_max = 2,
                                .parameters = genesis_default_parameters(),
                                .currency_count = 1,
                                .participant_count = participants,
                                .limit_count = participants,
                                .service_count = 2,
                                .scheme_count = 3,
                                .validator_count = 1,
                                .currencies = &bench->currency,
                                .participants = bench->participants,
                                .limits = bench->limits,
                                .services = bench->services,
                                .schemes = bench->schemes,
                                .validators = &bench->validator};
    char error[200];
    if (genesis_check(genesis, error, sizeof error) != STATUS_OK) {
        (void)fprintf(stderr, "bench_ledger: %s\n", error);
        exit(2);
    }
}

static struct record_id next_id(struct bench *bench)
{
    struct record_id id = {{0}};
    put_be64(id.bytes, bench->random_ids ? prng_next(&bench->prng) : bench->next_id);
    put_be64(id.bytes + 8, bench->next_id++);
    return id;
}

/* One day's mixture: nine purchases with three fees, one refund of the one before. */
static void make_record(struct bench *bench, uint32_t at)
{
    uint32_t banks = bench->genesis.participant_count - 2;
    struct record *record = &bench->records[at];
    if (at % 10 == 9) {
        *record = bench->records[at - 1];
        record->kind = RECORD_REFUND;
        record->ref = record->id;
        record->match_key = (struct record_id){{0}};
        record->amount /= 2;
        record->interchange = record->payer_fee = record->payee_fee = 0;
    } else {
        uint32_t payer = (uint32_t)prng_below(&bench->prng, banks);
        uint32_t payee = (payer + 1 + (uint32_t)prng_below(&bench->prng, banks - 1)) % banks;
        *record = (struct record){.kind = RECORD_CLEAR,
                                  .scheme = 1,
                                  .currency = CURRENCY,
                                  .mcc = 5411,
                                  .payer = 3 + payer,
                                  .payee = 3 + payee,
                                  .amount = 100 + prng_below(&bench->prng, 100000),
                                  .interchange = 35,
                                  .payer_fee = 3,
                                  .payee_fee = 3,
                                  .business_date = 20261123};
        record->match_key = next_id(bench);
    }
    record->id = next_id(bench);
}

/* Batches 0 and 2 are a bank's halves, 1 and 3 their equals from the other bank. */
static void make_half(struct bench *bench, uint32_t batch, uint32_t k, uint32_t payer)
{
    struct record *record = &bench->records[batch * LIMIT_BATCH_RECORDS + k];
    if (batch % 2 == 1) {
        *record = bench->records[(batch - 1) * LIMIT_BATCH_RECORDS + k];
    } else {
        *record = (struct record){.kind = RECORD_CLEAR,
                                  .scheme = 3,
                                  .currency = CURRENCY,
                                  .payer = payer,
                                  .payee = payer + 1,
                                  .amount = 100 + prng_below(&bench->prng, 100000),
                                  .business_date = 20261123};
        record->match_key = next_id(bench);
    }
    record->id = next_id(bench);
}

static struct ledger_batch seal(struct bench *bench, uint32_t at, uint32_t participant,
                                struct record *records, uint32_t count)
{
    struct hash *hashes = bench->hashes + (records - bench->records);
    uint64_t timestamp_ms = bench->tip.timestamp_ms + BLOCK_MS;
    struct batch_header *header = &bench->headers[at];
    *header = (struct batch_header){.version = BATCH_VERSION,
                                    .kind = BATCH_RECORDS,
                                    .participant = participant,
                                    .key_no = 1,
                                    .count = count,
                                    .created_ms = timestamp_ms - BLOCK_MS + at,
                                    .expires_ms = timestamp_ms + DAY_MS,
                                    .chain_id = bench->chain_id};
    if (!bench->hashless) {
        header->records_root = batch_records_root(records, count, hashes);
    }
    return (struct ledger_batch){.header = header,
                                 .id = batch_id(header),
                                 .records = records,
                                 .record_hashes = hashes,
                                 .verified_under = {{1}}};
}

static void make_block(struct bench *bench, struct ledger_batch *batches)
{
    const uint32_t banks = bench->genesis.participant_count - 2;
    for (uint32_t i = 0; i < BATCHES; i++) {
        uint32_t payer = FIRST_BANK;
        if (bench->filing == TWO_SIDED) {
            /* Both batches of a pair choose the same two banks. */
            payer += (uint32_t)((bench->tip.height * BATCHES + i) / 2 * 2 % (banks - 1));
        }
        for (uint32_t k = 0; k < LIMIT_BATCH_RECORDS; k++) {
            if (bench->filing == TWO_SIDED) {
                make_half(bench, i, k, payer);
            } else {
                make_record(bench, i * LIMIT_BATCH_RECORDS + k);
            }
        }
        uint32_t submitter = bench->filing == TWO_SIDED ? payer + i % 2 : NETWORK;
        batches[i] = seal(bench, i, submitter, bench->records + i * LIMIT_BATCH_RECORDS,
                          LIMIT_BATCH_RECORDS);
    }
}

struct spent {
    double making, prefetch, execute;
    uint64_t posted, records;
};

/* later_ms: how long after the last block. */
static const struct ledger_outcome *run_batches(struct bench *bench,
                                                const struct ledger_batch *batches, uint32_t count,
                                                uint64_t later_ms, struct spent *spent)
{
    struct ledger_block block = {.epoch = 1,
                                 .height = bench->tip.height + 1,
                                 .timestamp_ms = bench->tip.timestamp_ms + later_ms,
                                 .batch_count = count,
                                 .parent_hash = block_hash(&bench->tip),
                                 .batches = batches};
    struct ledger_reader reader = {
        .get = nothing, .record = no_record, .time = no_time, .seek = no_row};
    double made = seconds();
    ledger_prefetch(bench->ledger, &block, &reader, bench->working_set);
    double fetched = seconds();
    const struct ledger_outcome *outcome;
    struct ledger_fault fault;
    if (ledger_execute(bench->ledger, &block, bench->working_set, &outcome, &fault) != LEDGER_OK) {
        (void)fprintf(stderr, "bench_ledger: %s\n", fault.what);
        exit(3);
    }
    spent->execute += seconds() - fetched;
    spent->prefetch += fetched - made;
    for (uint32_t i = 0; i < outcome->verdict_count; i++) {
        spent->posted += outcome->verdicts[i] <= VERDICT_CONFIRMED;
    }
    spent->records += outcome->verdict_count;
    bench->tip = outcome->header;
    ledger_commit(bench->ledger);
    return outcome;
}

static void run_block(struct bench *bench, struct spent *spent)
{
    struct ledger_batch batches[BATCHES];
    double start = seconds();
    make_block(bench, batches);
    spent->making += seconds() - start;
    (void)run_batches(bench, batches, BATCHES, BLOCK_MS, spent);
}

/* cutoff: a cycle closes once a day, first a day after genesis; else by nothing. */
static struct bench *start(uint32_t participants, bool cutoff)
{
    struct bench *bench = zeroed(sizeof *bench);
    bench->prng = prng_seeded(1);
    bench->next_id = 1; /* zero names nothing */
    declare(bench, participants, cutoff);
    size_t size = genesis_encoded_size(&bench->genesis);
    void *scratch = zeroed(size);
    bench->chain_id = genesis_chain_id(&bench->genesis, scratch, size);
    free(scratch);
    void *memory = zeroed(ledger_footprint(&bench->genesis));
    bench->ledger = ledger_init(memory, &bench->genesis, &bench->chain_id);
    bench->working_set = working_set_init(zeroed(working_set_footprint()));
    bench->records = zeroed(BATCHES * LIMIT_BATCH_RECORDS * sizeof *bench->records);
    bench->hashes = zeroed(BATCHES * LIMIT_BATCH_RECORDS * sizeof *bench->hashes);
    bench->tip = ledger_genesis_outcome(bench->ledger)->header;
    return bench;
}

static void finish(struct bench *bench)
{
    free(bench->records);
    free(bench->hashes);
    free(bench->working_set);
    free(bench->ledger);
    free(bench->participants);
    free(bench->limits);
    free(bench);
}

static void run(uint32_t blocks, uint32_t participants, enum sides_filing filing, bool random_ids)
{
    struct bench *bench = start(participants, false);
    struct spent warm = {0};
    struct spent spent = {0};
    bench->filing = filing;
    bench->random_ids = random_ids;
    run_block(bench, &warm);
    for (uint32_t i = 0; i < blocks; i++) {
        run_block(bench, &spent);
    }
    double per_second = (double)spent.records / (spent.execute + spent.prefetch);
    (void)printf(
        "%s, %-12s %10" PRIu64 " records  %5.1f %% accepted  %8.0f records/s  execute "
        "%5.3f us  prefetch %5.3f us  hashing records %5.3f us\n",
        filing == TWO_SIDED ? "two-sided" : "one-sided", random_ids ? "random ids" : "ordered ids",
        spent.records, 100.0 * (double)spent.posted / (double)spent.records, per_second,
        1e6 * spent.execute / (double)spent.records, 1e6 * spent.prefetch / (double)spent.records,
        1e6 * spent.making / (double)spent.records);
    finish(bench);
}

/* ---- Closing a cycle ---- */

/* Money for every debt, so that the cycle settles as it closes. */
static void fund_all(struct bench *bench)
{
    struct spent spent = {0};
    uint32_t count = bench->genesis.participant_count;
    for (uint32_t i = 0; i < count; i++) {
        struct record *record = &bench->records[i];
        *record = (struct record){.kind = RECORD_FUND,
                                  .currency = CURRENCY,
                                  .payee = i + 1,
                                  .amount = LIMIT_AMOUNT / 1000,
                                  .business_date = 20261123};
        record->match_key = record->id = next_id(bench);
    }
    struct ledger_batch batch = seal(bench, 0, AGENT, bench->records, count);
    (void)run_batches(bench, &batch, 1, BLOCK_MS, &spent);
    CHECK(spent.posted == count);
}

static void run_close(uint64_t records, uint32_t participants)
{
    struct bench *bench = start(participants, true);
    struct spent spent = {0};
    struct spent closing = {0};
    struct spent after = {0};
    bench->hashless = true;
    fund_all(bench);
    while (spent.records < records) {
        run_block(bench, &spent);
    }
    CHECK(spent.posted == spent.records);
    /* The block that closes and settles has no records; the one after is for comparison. */
    const struct ledger_outcome *outcome = run_batches(bench, NULL, 0, DAY_MS, &closing);
    uint32_t pages = 0;
    uint32_t settled = 0;
    for (uint32_t i = 0; i < outcome->write_count; i++) {
        const struct ledger_write *own = &outcome->writes[i];
        struct cycle_row row;
        pages += own->table == TABLE_PAGES;
        settled += own->table == TABLE_CYCLES &&
                   cycle_decode((struct span){own->key, own->key_length},
                                (struct span){own->value, own->value_length}, &row) == STATUS_OK &&
                   row.state == CYCLE_SETTLED && row.records == spent.records;
    }
    CHECK(settled == 1);
    (void)run_batches(bench, NULL, 0, BLOCK_MS, &after);
    (void)printf("a cycle of %u participants with %10" PRIu64 " records: closed and settled in "
                 "%7.3f ms, %u account pages; the empty block after it %5.3f ms\n",
                 participants - 2, spent.records, 1e3 * closing.execute, pages,
                 1e3 * after.execute);
    finish(bench);
}

/* ---- Gridlock ---- */

/* Each of RING banks pays the next RING times and has nothing: all of it settles with the last
   bank's payments, none before. */
static void run_gridlock(uint32_t participants)
{
    struct bench *bench = start(participants, false);
    struct spent queued = {0};
    struct spent tried = {0};
    struct spent solved = {0};
    for (uint32_t bank = 0; bank < RING; bank++) {
        for (uint32_t k = 0; k < RING; k++) {
            struct record *record = &bench->records[k];
            *record = (struct record){.kind = RECORD_PAY,
                                      .flags = RECORD_QUEUE,
                                      .scheme = 2,
                                      .currency = CURRENCY,
                                      .payer = FIRST_BANK + bank,
                                      .payee = FIRST_BANK + (bank + 1) % RING,
                                      .amount = 100 + k * 7,
                                      .business_date = 20261123};
            record->id = next_id(bench);
        }
        struct ledger_batch batch = seal(bench, 0, FIRST_BANK + bank, bench->records, RING);
        struct spent *spent = bank + 1 == RING ? &solved : bank + 2 == RING ? &tried : &queued;
        const struct ledger_outcome *outcome = run_batches(bench, &batch, 1, BLOCK_MS, spent);
        uint32_t events = 0;
        for (uint32_t i = 0; i < outcome->write_count; i++) {
            events += outcome->writes[i].table == TABLE_EVENTS;
        }
        CHECK(events == (bank + 1 == RING ? RING * RING : 0));
    }
    (void)printf("gridlock of %u payments: settled in %7.3f ms with its last %u; tried in vain "
                 "with %u before that: %7.3f ms\n",
                 RING * RING, 1e3 * solved.execute, RING, RING * (RING - 1), 1e3 * tried.execute);
    finish(bench);
}

static bool read_count(const char *text, uint64_t max, uint64_t *ret_count)
{
    char *end;
    *ret_count = strtoull(text, &end, 10);
    return *end == '\0' && *ret_count >= 1 && *ret_count <= max;
}

int main(int argc, char **argv)
{
    const bool close = argc > 1 && strcmp(argv[1], "--close") == 0;
    const bool gridlock = argc > 1 && strcmp(argv[1], "--gridlock") == 0;
    const int at = close || gridlock ? 2 : 1;
    uint64_t count = close ? 10000000 : gridlock ? 5 : 30;
    uint64_t participants = close || gridlock ? 452 : 450; /* with the network and the agent */
    if (argc > 3 || (argc > at && !read_count(argv[at], 1000000000, &count)) ||
        (argc > at + 1 && !read_count(argv[at + 1], LIMIT_PARTICIPANTS, &participants)) ||
        participants < 5) {
        (void)fprintf(stderr, "usage: bench_ledger [BLOCKS [PARTICIPANTS]] | --close [RECORDS] | "
                              "--gridlock [ROUNDS]\n");
        return 2;
    }
    if (close) {
        run_close(1000000, (uint32_t)participants);
        run_close(count, (uint32_t)participants);
        return 0;
    }
    for (uint64_t i = 0; gridlock && i < count; i++) {
        run_gridlock((uint32_t)participants);
    }
    for (unsigned i = 0; !gridlock && i < 4; i++) {
        run((uint32_t)count, (uint32_t)participants, i < 2 ? ONE_SIDED : TWO_SIDED, i % 2 == 1);
    }
    return 0;
}
