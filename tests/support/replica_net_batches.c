/* replica_net_batches: the test network's genesis, and batches that its clients sign. */
#include "ledger/action.h"
#include "tests/support/replica_net_state.h"

static struct public_key test_key(uint8_t kind, uint32_t number)
{
    struct public_key key = {{0}};
    key.bytes[0] = kind;
    put_le32(key.bytes + 1, number);
    return key;
}

void *net_array(size_t count, size_t size)
{
    void *array = calloc(count, size);
    CHECK(array != NULL);
    return array;
}

static void fill_participants(struct genesis *genesis)
{
    genesis->participant_count = PARTICIPANTS;
    genesis->participants = net_array(PARTICIPANTS, sizeof *genesis->participants);
    genesis->limit_count = PARTICIPANTS;
    genesis->limits = net_array(PARTICIPANTS, sizeof *genesis->limits);
    for (uint32_t i = 0; i < PARTICIPANTS; i++) {
        struct genesis_participant *participant = &genesis->participants[i];
        participant->number = i + 1;
        participant->status = STANDING_ACTIVE;
        participant->roles = i == 0   ? ROLE_AGENT | ROLE_OPERATOR
                             : i == 1 ? ROLE_NETWORK
                                      : ROLE_BANK;
        (void)snprintf(participant->name, sizeof participant->name, "participant %u", i + 1);
        participant->key_count = 1;
        participant->keys[0] = (struct participant_key){
            .key_no = 1, .permissions = PERMISSION_SUBMIT | PERMISSION_ACT, .key = test_key(1, i)};
        memcpy(participant->transport_key.bytes, test_key(2, i).bytes, 32);
        genesis->limits[i] = (struct genesis_limit){
            .participant = i + 1, .currency = CURRENCY_CNY, .cap = LIMIT_AMOUNT - 1};
    }
}

void net_fill_genesis(struct genesis *genesis, uint32_t nodes)
{
    memset(genesis, 0, sizeof *genesis);
    (void)snprintf(genesis->network, sizeof genesis->network, "test");
    genesis->created_ms = WALL_START_MS;
    genesis->utc_offset_minutes = 480;
    genesis->delta_ms = 400;
    genesis->empty_interval_ms = 30000;
    genesis->block_records = LIMIT_BLOCK_RECORDS;
    genesis->participants_max = PARTICIPANTS;
    genesis->services_max = 1;
    genesis->parameters = genesis_default_parameters();
    /* The operator proposes, any bank is its checker. */
    genesis->parameters.policies[ACTION_KEYS - POLICY_KIND_FIRST].approvers |= ROLE_BANK;
    fill_participants(genesis);
    genesis->currency_count = 1;
    genesis->currencies = net_array(1, sizeof *genesis->currencies);
    genesis->currencies[0] =
        (struct genesis_currency){.numeric = CURRENCY_CNY, .exponent = 2, .code = "CNY"};
    genesis->service_count = 1;
    genesis->services = net_array(1, sizeof *genesis->services);
    genesis->services[0] = (struct genesis_service){.number = 1,
                                                    .currency = CURRENCY_CNY,
                                                    .mode = SERVICE_DEFERRED,
                                                    .settlement = SETTLEMENT_PREFUNDED,
                                                    .name = "cards",
                                                    .funding_window_s = 3600};
    genesis->scheme_count = 1;
    genesis->schemes = net_array(1, sizeof *genesis->schemes);
    genesis->schemes[0] =
        (struct genesis_scheme){.number = 1,
                                .service = 1,
                                .submitters = SIDE_PAYER | SIDE_PAYEE | SIDE_NETWORK,
                                .confirmations = 1,
                                .network = 2,
                                .name = "purchase"};
    genesis->validator_count = nodes;
    genesis->validators = net_array(nodes, sizeof *genesis->validators);
    for (uint32_t i = 0; i < nodes; i++) {
        struct genesis_validator *validator = &genesis->validators[i];
        validator->participant = i % PARTICIPANTS + 1;
        validator->key = test_key(3, i);
        memcpy(validator->transport_key.bytes, test_key(4, i).bytes, 32);
        (void)snprintf(validator->name, sizeof validator->name, "node-%u", i);
    }
}

uint8_t *net_make_batch(const struct net_batch_terms *terms, struct record *records, uint32_t count,
                        size_t *ret_length)
{
    struct hash *hashes = net_array(count, sizeof *hashes);
    struct batch_header header = {.version = BATCH_VERSION,
                                  .kind = BATCH_RECORDS,
                                  .participant = terms->submitter,
                                  .key_no = 1,
                                  .count = count,
                                  .created_ms = terms->created_ms,
                                  .expires_ms = terms->expires_ms,
                                  .chain_id = terms->chain_id,
                                  .records_root = batch_records_root(records, count, hashes)};
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    struct public_key key = test_key(1, terms->submitter - 1);
    batch_signed_bytes(&header, signed_bytes);
    struct signature signature = net_stand_in(&key, signed_bytes, sizeof signed_bytes);
    *ret_length = BATCH_PREFIX_BYTES + (size_t)count * RECORD_BYTES;
    uint8_t *bytes = malloc(*ret_length);
    CHECK(bytes != NULL);
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + BATCH_HEADER_BYTES, signature.bytes, sizeof signature.bytes);
    memcpy(bytes + BATCH_PREFIX_BYTES, records, (size_t)count * RECORD_BYTES);
    free(hashes);
    return bytes;
}

void net_fill_records(struct record *records, uint32_t submitter, uint64_t number, uint32_t count)
{
    struct prng prng = prng_seeded(number * 31 + submitter);
    for (uint32_t i = 0; i < count; i++) {
        struct record *record = &records[i];
        put_be64(record->id.bytes, number);
        put_be64(record->id.bytes + 8, i + 1);
        record->amount = 1 + prng_below(&prng, 100000);
        record->interchange = (int64_t)(record->amount / 300);
        record->payee_fee = (int64_t)(record->amount / 3000);
        record->payer = submitter;
        record->payee = 3 + (uint32_t)prng_below(&prng, PARTICIPANTS - 2);
        if (record->payee == submitter) {
            record->payee = submitter == 3 ? 4 : 3;
        }
        record->business_date = 20261123;
        record->kind = RECORD_CLEAR;
        record->scheme = 1;
        record->currency = CURRENCY_CNY;
    }
}

static uint8_t *make_batch(struct replica_net *net, uint32_t submitter, uint64_t number,
                           struct record *records, uint32_t count, size_t *ret_length)
{
    const struct net_batch_terms terms = {.chain_id = net->chain_id,
                                          .submitter = submitter,
                                          .created_ms = WALL_START_MS + number % 1000,
                                          .expires_ms = WALL_START_MS + LIMIT_BATCH_LIFE_MS};
    return net_make_batch(&terms, records, count, ret_length);
}

uint8_t *replica_net_batch(struct replica_net *net, uint32_t submitter, uint64_t number,
                           uint32_t count, size_t *ret_length)
{
    struct record *records = net_array(count, sizeof *records);
    net_fill_records(records, submitter, number, count);
    uint8_t *bytes = make_batch(net, submitter, number, records, count, ret_length);
    free(records);
    return bytes;
}

uint8_t *replica_net_funding(struct replica_net *net, size_t *ret_length)
{
    struct record records[PARTICIPANTS - 1];
    memset(records, 0, sizeof records);
    for (uint32_t i = 0; i < PARTICIPANTS - 1; i++) {
        struct record *record = &records[i];
        put_be64(record->id.bytes, 1);
        put_be64(record->id.bytes + 8, i + 1);
        put_be64(record->match_key.bytes, i + 1);
        record->amount = 1000000000;
        record->payee = i + 2;
        record->business_date = 20261123;
        record->kind = RECORD_FUND;
        record->currency = CURRENCY_CNY;
    }
    return make_batch(net, 1, 0, records, PARTICIPANTS - 1, ret_length);
}
