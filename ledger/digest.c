/* digest: what state_root is made of (see digest.h). */
#include "ledger/digest.h"

#include "base/check.h"

void digest_run(struct hash *digest, const uint8_t *rows, size_t length)
{
    if (length == 0) {
        return;
    }
    struct hasher hasher;
    hasher_init(&hasher, &PURPOSE_WRITES);
    hasher_add(&hasher, digest, HASH_BYTES);
    hasher_add(&hasher, rows, length);
    *digest = hasher_end(&hasher);
}

void digest_begin_table(struct hasher *hasher, uint32_t table, uint32_t count)
{
    uint8_t head[8];
    put_le32(head, table);
    put_le32(head + 4, count);
    hasher_init(hasher, &PURPOSE_TABLE);
    hasher_add(hasher, head, sizeof head);
}

uint32_t digest_static_count(const struct genesis *genesis, enum ledger_table table)
{
    switch (table) {
    case TABLE_PARTICIPANTS:
        return genesis->participant_count;
    case TABLE_LIMITS:
        return genesis->limit_count;
    case TABLE_SERVICES:
        return genesis->service_count;
    case TABLE_SCHEMES:
        return genesis->scheme_count;
    case TABLE_CALENDARS:
        return genesis->calendar_count;
    case TABLE_PARAMETERS:
        return 1;
    case TABLE_STATE:
    case TABLE_ACCOUNTS:
    case TABLE_PAGES:
    case TABLE_IDS:
    case TABLE_LIFE:
    case TABLE_SOURCES:
    case TABLE_CYCLES:
    case TABLE_CYCLE_NETS:
    case TABLE_EVENTS:
    case TABLE_TRANSACTIONS:
    case TABLE_VALIDATORS:
    case TABLE_ACTIONS:
    case TABLE_EVIDENCE:
    case TABLE_EXPIRY:
    case TABLE_QUEUE:
    case LEDGER_TABLE_COUNT:
        break;
    }
    return 0;
}

uint32_t digest_static_row(const struct genesis *genesis, enum ledger_table table, uint32_t index,
                           struct writer *writer)
{
    CHECK(index < digest_static_count(genesis, table));
    uint8_t key[STATIC_KEY_BYTES_MAX];
    if (table == TABLE_PARAMETERS) {
        writer_copy(writer, "parameters", PARAMETERS_KEY_BYTES);
        genesis_encode_parameters(&genesis->parameters, writer);
        return PARAMETERS_KEY_BYTES;
    }
    if (table == TABLE_CALENDARS) {
        put_be16(key, genesis->calendars[index].number);
        writer_copy(writer, key, CALENDAR_KEY_BYTES);
        genesis_encode_calendar(&genesis->calendars[index], writer);
        return CALENDAR_KEY_BYTES;
    }
    if (table == TABLE_PARTICIPANTS) {
        put_be32(key, genesis->participants[index].number);
        writer_copy(writer, key, PARTICIPANT_KEY_BYTES);
        genesis_encode_participant(&genesis->participants[index], writer);
        return PARTICIPANT_KEY_BYTES;
    }
    if (table == TABLE_LIMITS) {
        limit_key(genesis->limits[index].participant, genesis->limits[index].currency, key);
        writer_copy(writer, key, LIMIT_KEY_BYTES);
        genesis_encode_limit(&genesis->limits[index], writer);
        return LIMIT_KEY_BYTES;
    }
    if (table == TABLE_SERVICES) {
        put_be16(key, genesis->services[index].number);
        writer_copy(writer, key, SERVICE_KEY_BYTES);
        genesis_encode_service(&genesis->services[index], writer);
        return SERVICE_KEY_BYTES;
    }
    put_be16(key, genesis->schemes[index].number);
    writer_copy(writer, key, SCHEME_KEY_BYTES);
    genesis_encode_scheme(&genesis->schemes[index], writer);
    return SCHEME_KEY_BYTES;
}

struct hash digest_static_table(const struct genesis *genesis, enum ledger_table table)
{
    uint32_t count = digest_static_count(genesis, table);
    struct hasher hasher;
    digest_begin_table(&hasher, (uint32_t)table, count);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t row[STATIC_ROW_BYTES_MAX];
        struct writer writer = writer_over(row, sizeof row);
        (void)digest_static_row(genesis, table, i, &writer);
        CHECK(!writer.failed);
        hasher_add(&hasher, row, writer.used);
    }
    return hasher_end(&hasher);
}

static struct hash parameters(const struct genesis *genesis)
{
    uint8_t row[16];
    put_le32(row, genesis->delta_ms);
    put_le32(row + 4, genesis->block_interval_ms);
    put_le32(row + 8, genesis->empty_interval_ms);
    put_le32(row + 12, genesis->block_records);
    struct hasher hasher;
    digest_begin_table(&hasher, STATE_SLOT_PARAMETERS, 1);
    hasher_add(&hasher, row, sizeof row);
    return hasher_end(&hasher);
}

void digest_static(struct ledger *ledger)
{
    const struct genesis *genesis = ledger->registry.genesis;
    struct hash *digests = ledger->state.digests;
    digests[STATE_SLOT_PARAMETERS] = parameters(genesis);
    digests[TABLE_PARTICIPANTS] = digest_static_table(genesis, TABLE_PARTICIPANTS);
    digests[TABLE_LIMITS] = digest_static_table(genesis, TABLE_LIMITS);
    digests[TABLE_SERVICES] = digest_static_table(genesis, TABLE_SERVICES);
    digests[TABLE_SCHEMES] = digest_static_table(genesis, TABLE_SCHEMES);
    digests[TABLE_CALENDARS] = digest_static_table(genesis, TABLE_CALENDARS);
    digests[TABLE_PARAMETERS] = digest_static_table(genesis, TABLE_PARAMETERS);
}

struct hash digest_state_root(const struct hash digests[STATE_SLOTS])
{
    struct hash leaves[STATE_SLOTS];
    for (unsigned i = 0; i < STATE_SLOTS; i++) {
        leaves[i] = merkle_leaf(&digests[i], HASH_BYTES);
    }
    return merkle_root(leaves, STATE_SLOTS);
}
