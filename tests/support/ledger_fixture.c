/* ledger_fixture: see ledger_fixture.h. */
#include "tests/support/ledger_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ledger/group.h"

#define BLOCK_MS 1000u

static void declare_participants(struct ledger_fixture *f)
{
    static const struct {
        uint32_t roles;
        const char *name;
    } WHO[] = {
        {ROLE_BANK, "Bank of the East"},       {ROLE_BANK, "Bank of the West"},
        {ROLE_BANK, "Bank of the South"},      {ROLE_NETWORK, "Card Network"},
        {ROLE_AGENT | ROLE_OPERATOR, "Agent"}, {ROLE_FINTECH, "Fintech"},
        {ROLE_BANK, "Bank without limits"},
    };
    for (uint32_t i = 0; i < 7; i++) {
        struct genesis_participant *p = &f->participants[i];
        p->number = i + 1;
        p->roles = WHO[i].roles;
        (void)snprintf(p->name, sizeof p->name, "%s", WHO[i].name);
        p->transport_key.bytes[0] = (uint8_t)(0x40 + i);
        p->key_count = 1;
        p->status = STANDING_ACTIVE;
        p->keys[0].key_no = 1;
        p->keys[0].permissions = PERMISSION_SUBMIT | PERMISSION_ACT;
        p->keys[0].key.bytes[0] = (uint8_t)(0x80 + i);
    }
    f->genesis.participants = f->participants;
    f->genesis.participant_count = 7;
}

static void declare_limits(struct ledger_fixture *f)
{
    static const struct genesis_limit LIMITS[] = {
        {1, FIXTURE_CNY, 0, 100000000}, {1, FIXTURE_USD, 0, 5000},
        {2, FIXTURE_CNY, 0, 100000000}, {2, FIXTURE_USD, 0, 5000},
        {3, FIXTURE_CNY, 0, 100000000}, {6, FIXTURE_CNY, LIMIT_COVERED, 50000000},
    };
    memcpy(f->limits, LIMITS, sizeof LIMITS);
    f->genesis.limits = f->limits;
    f->genesis.limit_count = sizeof LIMITS / sizeof LIMITS[0];
}

static void declare_products(struct ledger_fixture *f)
{
    static const struct genesis_service SERVICES[] = {
        {.number = 1,
         .currency = FIXTURE_CNY,
         .mode = SERVICE_DEFERRED,
         .settlement = SETTLEMENT_PREFUNDED,
         .name = "cards",
         .funding_window_s = 3600,
         .cutoff_count = 2,
         .cutoffs = {600, 1380}},
        {.number = 2,
         .currency = FIXTURE_CNY,
         .mode = SERVICE_GROSS,
         .settlement = SETTLEMENT_PREFUNDED,
         .name = "instant"},
        {.number = 3,
         .currency = FIXTURE_CNY,
         .mode = SERVICE_DEFERRED,
         .settlement = SETTLEMENT_EXTERNAL,
         .name = "rural",
         .cutoff_count = 1,
         .cutoffs = {1000}},
        {.number = 4,
         .currency = FIXTURE_USD,
         .mode = SERVICE_DEFERRED,
         .settlement = SETTLEMENT_PREFUNDED,
         .name = "dollars"},
    };
#define SCHEME(of, in, sides, count, party, title)                                                 \
    {                                                                                              \
        .number = (of), .service = (in), .submitters = (sides), .confirmations = (count),          \
        .network = (party), .hold_timeout_s = 60, .match_timeout_s = 60, .name = title             \
    }
    static const struct genesis_scheme SCHEMES[] = {
        SCHEME(10, 1, SIDE_PAYER | SIDE_PAYEE | SIDE_NETWORK, 1, FIXTURE_NETWORK, "debit"),
        SCHEME(11, 1, SIDE_PAYEE, 1, 0, "payee only"),
        SCHEME(12, 1, SIDE_PAYER | SIDE_PAYEE, 2, FIXTURE_NETWORK, "two halves"),
        SCHEME(20, 2, SIDE_PAYER, 1, FIXTURE_NETWORK, "transfer"),
        SCHEME(21, 2, SIDE_PAYER, 2, 0, "confirmed transfer"),
        SCHEME(30, 3, SIDE_PAYER | SIDE_PAYEE, 1, FIXTURE_NETWORK, "rural"),
        SCHEME(40, 4, SIDE_PAYER | SIDE_PAYEE, 1, FIXTURE_NETWORK, "dollar debit"),
    };
#undef SCHEME
    memcpy(f->services, SERVICES, sizeof SERVICES);
    memcpy(f->schemes, SCHEMES, sizeof SCHEMES);
    f->genesis.services = f->services;
    f->genesis.service_count = 4;
    f->genesis.schemes = f->schemes;
    f->genesis.scheme_count = 7;
}

struct ledger_fixture *fixture_new(void)
{
    struct ledger_fixture *f = calloc(1, sizeof *f);
    CHECK(f != NULL);
    (void)snprintf(f->genesis.network, sizeof f->genesis.network, "fixture");
    f->genesis.created_ms = FIXTURE_CREATED_MS;
    f->genesis.utc_offset_minutes = 480;
    f->genesis.delta_ms = 400;
    f->genesis.empty_interval_ms = 30000;
    f->genesis.block_records = 16384;
    f->genesis.parameters = genesis_default_parameters();
    f->genesis.parameters.queue_max = 100;
    f->genesis.parameters.queue_quota = 50;
    f->genesis.parameters.fund_share_ppm = 1000000;
    f->currencies[0] = (struct genesis_currency){FIXTURE_CNY, 2, "CNY"};
    f->currencies[1] = (struct genesis_currency){FIXTURE_USD, 2, "USD"};
    f->genesis.currencies = f->currencies;
    f->genesis.currency_count = 2;
    declare_participants(f);
    declare_limits(f);
    declare_products(f);
    f->genesis.participants_max = f->genesis.participant_count;
    f->genesis.services_max = f->genesis.service_count;
    f->validators[0].participant = 5;
    f->validators[0].key.bytes[0] = 0xc0;
    f->validators[0].transport_key.bytes[0] = 0xc1;
    (void)snprintf(f->validators[0].name, sizeof f->validators[0].name, "node-0");
    f->genesis.validators = f->validators;
    f->genesis.validator_count = 1;
    return f;
}

static void *zeroed(size_t size)
{
    void *memory = aligned_alloc(64, (size + 63) / 64 * 64);
    CHECK(memory != NULL);
    memset(memory, 0, size);
    return memory;
}

/* Much of it is never touched: the pages of a large calloc cost nothing before they are. */
static void *zeroed_pages(size_t size, void **ret_block)
{
    *ret_block = calloc(1, size + 64);
    CHECK(*ret_block != NULL);
    return (void *)(((uintptr_t)*ret_block + 63) / 64 * 64);
}

static void make_ledger(struct ledger_fixture *f)
{
    void *memory = zeroed_pages(ledger_footprint(&f->genesis), &f->memory);
    f->ledger = ledger_init(memory, &f->genesis, &f->chain_id);
}

static void begin_next(struct ledger_fixture *f)
{
    const struct block_header *parent = ledger_store_header(f->store);
    f->block = (struct ledger_block){
        .epoch = ledger_epoch(f->ledger),
        .height = parent->height + 1,
        .timestamp_ms = parent->timestamp_ms + BLOCK_MS,
        .parent_hash = block_hash(parent),
        .batches = f->batches,
    };
}

struct public_key fixture_validator_key(uint32_t index)
{
    struct public_key key = {{0}};
    put_le32(key.bytes, 0xc0 + index);
    key.bytes[31] = 0x11;
    return key;
}

struct transport_key fixture_validator_channel(uint32_t index)
{
    struct transport_key key = {{0}};
    put_le32(key.bytes, 0xc0 + index);
    key.bytes[31] = 0x22;
    return key;
}

void fixture_governed(struct ledger_fixture *f, uint32_t count)
{
    static const uint32_t OWNERS[] = {FIXTURE_AGENT, 1, 2, 3};
    CHECK(count >= 1 && count <= LIMIT_VALIDATORS);
    memset(f->validators, 0, sizeof f->validators);
    for (uint32_t i = 0; i < count; i++) {
        f->validators[i].participant = OWNERS[i % 4];
        f->validators[i].key = fixture_validator_key(i);
        f->validators[i].transport_key = fixture_validator_channel(i);
        (void)snprintf(f->validators[i].name, sizeof f->validators[i].name, "node-%u", i);
    }
    f->genesis.validator_count = count;
    for (uint32_t i = 0; i < f->genesis.participant_count; i++) {
        struct genesis_participant *p = &f->participants[i];
        p->key_count = 2;
        p->keys[1] = (struct participant_key){.key_no = 2, .permissions = PERMISSION_ACT};
        p->keys[1].key.bytes[0] = (uint8_t)(0xa0 + i);
    }
}

/* Tests add participants and services without counting them twice. */
static void complete(struct genesis *genesis)
{
    if (genesis->participants_max < genesis->participant_count) {
        genesis->participants_max = genesis->participant_count;
    }
    if (genesis->services_max < genesis->service_count) {
        genesis->services_max = genesis->service_count;
    }
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        if (genesis->participants[i].status == 0) {
            genesis->participants[i].status = STANDING_ACTIVE;
        }
    }
}

void fixture_start(struct ledger_fixture *f)
{
    char error[256];
    complete(&f->genesis);
    enum status status = genesis_check(&f->genesis, error, sizeof error);
    if (status == STATUS_OK) {
        void *places = zeroed(genesis_keys_scratch(&f->genesis));
        status = genesis_check_keys(&f->genesis, places, error, sizeof error);
        free(places);
    }
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "fixture genesis: %s\n", error);
    }
    CHECK(status == STATUS_OK);
    size_t size = genesis_encoded_size(&f->genesis);
    void *scratch = zeroed(size);
    f->chain_id = genesis_chain_id(&f->genesis, scratch, size);
    free(scratch);
    make_ledger(f);
    f->working_set = working_set_init(zeroed_pages(working_set_footprint(), &f->working_memory));
    f->store = ledger_store_new();
    ledger_store_apply(f->store, NULL, ledger_genesis_outcome(f->ledger));
    begin_next(f);
}

void fixture_reload(struct ledger_fixture *f)
{
    free(f->memory);
    make_ledger(f);
    const char *what = "";
    enum status status = ledger_store_load(f->store, f->ledger, &what);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "fixture reload: %s\n", what);
    }
    CHECK(status == STATUS_OK);
}

void fixture_drop(struct ledger_fixture *f)
{
    for (uint32_t i = 0; i < f->block.batch_count; i++) {
        free(f->parts[i].records);
        free(f->parts[i].hashes);
        free(f->parts[i].body);
        memset(&f->parts[i], 0, sizeof f->parts[i]);
    }
    f->block.batch_count = 0;
}

void fixture_free(struct ledger_fixture *f)
{
    fixture_drop(f);
    free(f->verdicts);
    if (f->store != NULL) {
        ledger_store_free(f->store);
    }
    free(f->working_memory);
    free(f->memory);
    free(f);
}

struct batch_header *fixture_batch(struct ledger_fixture *f, uint32_t participant)
{
    CHECK(f->block.batch_count < LIMIT_BLOCK_BATCHES);
    struct fixture_batch *part = &f->parts[f->block.batch_count];
    part->records = calloc(LIMIT_BATCH_RECORDS, sizeof *part->records);
    part->hashes = calloc(LIMIT_BATCH_RECORDS, sizeof *part->hashes);
    CHECK(part->records != NULL && part->hashes != NULL);
    part->header = (struct batch_header){
        .version = BATCH_VERSION,
        .kind = BATCH_RECORDS,
        .participant = participant,
        .key_no = 1,
        /* Distinct, so that equal batches of one block have different ids. */
        .created_ms = f->block.timestamp_ms - 500 + f->block.batch_count,
        .expires_ms = f->block.timestamp_ms + 3600000,
        .chain_id = f->chain_id,
    };
    f->batches[f->block.batch_count].already_placed = false;
    f->block.batch_count++;
    return &part->header;
}

void fixture_add(struct ledger_fixture *f, struct record record)
{
    CHECK(f->block.batch_count > 0);
    struct fixture_batch *part = &f->parts[f->block.batch_count - 1];
    CHECK(part->header.count < LIMIT_BATCH_RECORDS);
    part->records[part->header.count++] = record;
}

struct hash fixture_body(struct ledger_fixture *f, enum batch_kind kind, uint32_t participant,
                         uint32_t key_no, const void *body, size_t length)
{
    struct batch_header *header = fixture_batch(f, participant);
    struct fixture_batch *part = &f->parts[f->block.batch_count - 1];
    header->kind = (uint16_t)kind;
    header->key_no = key_no;
    header->count = 1;
    free(part->records);
    part->records = NULL;
    part->body = zeroed(length + 64);
    part->body_length = length;
    memcpy(part->body, body, length);
    header->records_root = batch_body_root(body, length);
    return batch_id(header);
}

struct hash fixture_action(struct ledger_fixture *f, uint32_t participant, uint32_t key_no,
                           const struct action *action)
{
    uint8_t body[ACTION_BYTES_MAX];
    size_t length = action_body(action, body);
    return fixture_body(f, BATCH_ACTION, participant, key_no, body, length);
}

unsigned fixture_act(struct ledger_fixture *f, uint32_t participant, uint32_t key_no,
                     const struct action *action, struct hash *ret_id)
{
    struct hash id = fixture_action(f, participant, key_no, action);
    if (ret_id != NULL) {
        *ret_id = id;
    }
    fixture_block(f);
    return fixture_verdict(f, 0, 0);
}

static void seal(struct ledger_fixture *f)
{
    for (uint32_t i = 0; i < f->block.batch_count; i++) {
        struct fixture_batch *part = &f->parts[i];
        if (part->body == NULL) {
            part->header.records_root =
                batch_records_root(part->records, part->header.count, part->hashes);
        }
        bool placed = f->batches[i].already_placed;
        f->batches[i] = (struct ledger_batch){.header = &part->header,
                                              .id = batch_id(&part->header),
                                              .records = part->records,
                                              .record_hashes = part->hashes,
                                              .body = part->body,
                                              .body_length = part->body_length,
                                              .already_placed = placed};
        if (!ledger_batch_key(f->ledger, (enum batch_kind)part->header.kind,
                              part->header.participant, part->header.key_no,
                              &f->batches[i].verified_under)) {
            /* What its participant's first key would be: not permitted, or unknown. */
            f->batches[i].verified_under.bytes[0] = (uint8_t)(0x7f + part->header.participant);
        }
    }
}

enum ledger_result fixture_execute(struct ledger_fixture *f)
{
    seal(f);
    struct ledger_reader reader = ledger_store_reader(f->store);
    ledger_prefetch(f->ledger, &f->block, &reader, f->working_set);
    enum ledger_result result =
        ledger_execute(f->ledger, &f->block, f->working_set, &f->outcome, &f->fault);
    if (result == LEDGER_OK) {
        free(f->verdicts);
        f->verdicts = zeroed(f->outcome->verdict_count * sizeof *f->verdicts + 64);
        memcpy(f->verdicts, f->outcome->verdicts, f->outcome->verdict_count * sizeof *f->verdicts);
        f->starts[0] = 0;
        for (uint32_t i = 0; i < f->block.batch_count; i++) {
            f->starts[i + 1] = f->starts[i] + f->parts[i].header.count;
        }
    }
    return result;
}

void fixture_commit(struct ledger_fixture *f)
{
    ledger_store_apply(f->store, &f->block, f->outcome);
    ledger_commit(f->ledger);
    CHECK(group_is_consistent(f->ledger));
    fixture_drop(f);
    begin_next(f);
}

void fixture_block(struct ledger_fixture *f)
{
    enum ledger_result result = fixture_execute(f);
    if (result != LEDGER_OK) {
        (void)fprintf(stderr, "fixture block: %s\n", f->fault.what);
    }
    CHECK(result == LEDGER_OK);
    fixture_commit(f);
}

unsigned fixture_verdict(const struct ledger_fixture *f, uint32_t batch, uint32_t record)
{
    return f->verdicts[f->starts[batch] + record];
}

unsigned fixture_file(struct ledger_fixture *f, uint32_t submitter, struct record record)
{
    (void)fixture_batch(f, submitter);
    fixture_add(f, record);
    fixture_block(f);
    return fixture_verdict(f, 0, 0);
}

struct record_id fixture_id(uint64_t number)
{
    struct record_id id = {{0}};
    put_be64(id.bytes, number);
    return id;
}

static struct record base_record(struct ledger_fixture *f, enum record_kind kind, uint32_t payer,
                                 uint32_t payee, uint64_t amount)
{
    return (struct record){.id = fixture_id(++f->next_id),
                           .amount = amount,
                           .payer = payer,
                           .payee = payee,
                           .business_date = FIXTURE_DATE,
                           .kind = (uint16_t)kind,
                           .currency = FIXTURE_CNY};
}

struct record fixture_clear(struct ledger_fixture *f, uint32_t payer, uint32_t payee,
                            uint64_t amount)
{
    struct record record = base_record(f, RECORD_CLEAR, payer, payee, amount);
    record.scheme = 10;
    record.mcc = 5411;
    return record;
}

struct record fixture_pay(struct ledger_fixture *f, uint32_t payer, uint32_t payee, uint64_t amount)
{
    struct record record = base_record(f, RECORD_PAY, payer, payee, amount);
    record.scheme = 20;
    return record;
}

struct record fixture_fund(struct ledger_fixture *f, uint32_t payee, uint64_t amount)
{
    struct record record = base_record(f, RECORD_FUND, 0, payee, amount);
    record.match_key = fixture_id(f->next_id);
    return record;
}

struct record fixture_refund(struct ledger_fixture *f, const struct record *original,
                             uint32_t ref_participant, uint64_t amount)
{
    struct record record = base_record(f, RECORD_REFUND, original->payer, original->payee, amount);
    record.scheme = original->scheme;
    record.currency = original->currency;
    record.ref = original->id;
    record.ref_participant = ref_participant;
    return record;
}

static int64_t balance_of(const struct ledger_fixture *f, uint32_t number)
{
    __int128 balance = account_balance(&f->ledger->accounts[number]).minor;
    CHECK(balance <= INT64_MAX && balance >= INT64_MIN);
    return (int64_t)balance;
}

int64_t fixture_balance(const struct ledger_fixture *f, uint32_t participant,
                        enum account_class class)
{
    return balance_of(f, account_number(2, participant - 1, 0, class));
}

int64_t fixture_hub_balance(const struct ledger_fixture *f, enum account_class class)
{
    return balance_of(f, account_number_hub(0, class));
}

void fixture_random_block(struct ledger_fixture *f, struct prng *prng, unsigned batches,
                          unsigned records)
{
    struct record recent[64];
    uint32_t recent_by[64];
    unsigned recent_count = 0;
    for (unsigned b = 0; b < batches; b++) {
        uint32_t by = 1 + (uint32_t)prng_below(prng, 7);
        (void)fixture_batch(f, by);
        for (unsigned i = 0; i < records; i++) {
            uint32_t payer = 1 + (uint32_t)prng_below(prng, 7);
            uint32_t payee = 1 + (payer + (uint32_t)prng_below(prng, 6)) % 7;
            uint64_t amount = 1 + prng_below(prng, 200000);
            uint64_t dice = prng_below(prng, 100);
            struct record r;
            if (by == FIXTURE_AGENT) {
                r = fixture_fund(f, payer, amount * 10);
            } else if (dice < 60) {
                r = fixture_clear(f, dice < 30 ? by : payer, dice < 30 ? payee : by, amount);
                r.scheme = dice % 10 == 0 ? 30 : 10;
                r.interchange = (int64_t)prng_below(prng, 200) - 50;
                r.payer_fee = (int64_t)prng_below(prng, 20);
                r.payee_fee = (int64_t)prng_below(prng, 20) - 5;
                if (dice % 3 == 0) {
                    r.match_key = fixture_id(prng_below(prng, 5000));
                }
            } else if (dice < 75 || recent_count == 0) {
                r = fixture_pay(f, by, payee, amount);
                r.payer_fee = (int64_t)prng_below(prng, 9);
            } else {
                unsigned at = (unsigned)prng_below(prng, recent_count);
                r = fixture_refund(f, &recent[at], recent_by[at], 1 + prng_below(prng, amount));
            }
            if (dice % 20 == 7) {
                r.id = fixture_id(1 + prng_below(prng, f->next_id));
            }
            if (dice % 10 == 3 && i + 1 < records) {
                r.flags = RECORD_LINKED;
            }
            unsigned at = recent_count < 64 ? recent_count++ : (unsigned)prng_below(prng, 64);
            recent[at] = r;
            recent_by[at] = by;
            fixture_add(f, r);
        }
    }
}
