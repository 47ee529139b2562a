/*
 * bench_ledger: what executing a block costs on one thread: prefetch and execute of full blocks of
 * card purchases with fees (and a share of refunds and payments), record hashes precomputed, rows
 * kept in memory. Durable storage is not part of it (docs/benchmarks.md).
 *
 *   bench_ledger [BLOCKS [PARTICIPANTS]]     default 30 blocks of 32,768 records, 450 participants
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

struct bench {
    struct genesis genesis;
    struct genesis_currency currency;
    struct genesis_participant *participants;
    struct genesis_limit *limits;
    struct genesis_service services[2];
    struct genesis_scheme schemes[2];
    struct genesis_validator validator;
    struct hash chain_id;
    struct ledger *ledger;
    struct working_set *working_set;
    struct batch_header headers[BATCHES];
    struct record *records; /* BATCHES * LIMIT_BATCH_RECORDS */
    struct hash *hashes;
    struct prng prng;
    uint64_t next_id;
    bool random_ids;
};

static double seconds(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
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

static void declare(struct bench *bench, uint32_t participants)
{
    struct genesis *genesis = &bench->genesis;
    bench->participants = zeroed(participants * sizeof *bench->participants);
    bench->limits = zeroed(participants * sizeof *bench->limits);
    for (uint32_t i = 0; i < participants; i++) {
        struct genesis_participant *p = &bench->participants[i];
        p->number = i + 1;
        p->roles = i == 0 ? ROLE_NETWORK : i == 1 ? ROLE_AGENT : ROLE_BANK;
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
                                                .name = "transfer"};
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
                                .scheme_count = 2,
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

static void make_block(struct bench *bench, struct ledger_batch *batches, uint64_t timestamp_ms)
{
    for (uint32_t i = 0; i < BATCHES; i++) {
        struct record *records = bench->records + i * LIMIT_BATCH_RECORDS;
        struct hash *hashes = bench->hashes + i * LIMIT_BATCH_RECORDS;
        for (uint32_t k = 0; k < LIMIT_BATCH_RECORDS; k++) {
            make_record(bench, i * LIMIT_BATCH_RECORDS + k);
        }
        /* The network files; the first record of a batch may refer to the batch before. */
        bench->headers[i] = (struct batch_header){.version = BATCH_VERSION,
                                                  .kind = BATCH_RECORDS,
                                                  .participant = 1,
                                                  .key_no = 1,
                                                  .count = LIMIT_BATCH_RECORDS,
                                                  .created_ms = timestamp_ms - 1000 + i,
                                                  .expires_ms = timestamp_ms + 1000,
                                                  .chain_id = bench->chain_id};
        bench->headers[i].records_root = batch_records_root(records, LIMIT_BATCH_RECORDS, hashes);
        batches[i] = (struct ledger_batch){.header = &bench->headers[i],
                                           .id = batch_id(&bench->headers[i]),
                                           .records = records,
                                           .record_hashes = hashes,
                                           .verified_under = {{1}}};
    }
}

struct spent {
    double making, prefetch, execute;
    uint64_t posted, records;
};

static void run_block(struct bench *bench, const struct block_header *parent,
                      struct block_header *ret_header, struct spent *spent)
{
    struct ledger_batch batches[BATCHES];
    uint64_t timestamp_ms = parent->timestamp_ms + 1000;
    double start = seconds();
    make_block(bench, batches, timestamp_ms);
    struct ledger_block block = {.epoch = 1,
                                 .height = parent->height + 1,
                                 .timestamp_ms = timestamp_ms,
                                 .batch_count = BATCHES,
                                 .parent_hash = block_hash(parent),
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
    spent->making += made - start;
    for (uint32_t i = 0; i < outcome->verdict_count; i++) {
        spent->posted += outcome->verdicts[i] == VERDICT_POSTED;
    }
    spent->records += outcome->verdict_count;
    *ret_header = outcome->header;
    ledger_commit(bench->ledger);
}

static void run(uint32_t blocks, uint32_t participants, bool random_ids)
{
    struct bench *bench = zeroed(sizeof *bench);
    bench->prng = prng_seeded(1);
    bench->random_ids = random_ids;
    declare(bench, participants);
    size_t size = genesis_encoded_size(&bench->genesis);
    void *scratch = zeroed(size);
    bench->chain_id = genesis_chain_id(&bench->genesis, scratch, size);
    free(scratch);
    void *memory = zeroed(ledger_footprint(&bench->genesis));
    bench->ledger = ledger_init(memory, &bench->genesis, &bench->chain_id);
    bench->working_set = working_set_init(zeroed(working_set_footprint()));
    bench->records = zeroed(BATCHES * LIMIT_BATCH_RECORDS * sizeof *bench->records);
    bench->hashes = zeroed(BATCHES * LIMIT_BATCH_RECORDS * sizeof *bench->hashes);
    struct block_header header = ledger_genesis_outcome(bench->ledger)->header;
    struct spent warm = {0};
    struct spent spent = {0};
    run_block(bench, &header, &header, &warm);
    for (uint32_t i = 0; i < blocks; i++) {
        run_block(bench, &header, &header, &spent);
    }
    double per_second = (double)spent.records / (spent.execute + spent.prefetch);
    (void)printf("%-12s %10" PRIu64 " records  %5.1f %% posted  %8.0f records/s  execute %5.3f "
                 "us  prefetch %5.3f us  hashing records %5.3f us\n",
                 random_ids ? "random ids" : "ordered ids", spent.records,
                 100.0 * (double)spent.posted / (double)spent.records, per_second,
                 1e6 * spent.execute / (double)spent.records,
                 1e6 * spent.prefetch / (double)spent.records,
                 1e6 * spent.making / (double)spent.records);
    (void)printf("             memory: ledger %zu KiB, working set %zu KiB\n",
                 ledger_footprint(&bench->genesis) / 1024, working_set_footprint() / 1024);
    free(bench->records);
    free(bench->hashes);
    free(bench->working_set);
    free(memory);
    free(bench->participants);
    free(bench->limits);
    free(bench);
}

int main(int argc, char **argv)
{
    unsigned long blocks = argc > 1 ? strtoul(argv[1], NULL, 10) : 30;
    unsigned long participants = argc > 2 ? strtoul(argv[2], NULL, 10) : 450;
    if (blocks < 1 || blocks > 100000 || participants < 5 || participants > LIMIT_PARTICIPANTS) {
        (void)fprintf(stderr, "usage: bench_ledger [BLOCKS [PARTICIPANTS]]\n");
        return 2;
    }
    run((uint32_t)blocks, (uint32_t)participants, false);
    run((uint32_t)blocks, (uint32_t)participants, true);
    return 0;
}
