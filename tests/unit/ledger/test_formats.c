/*
 * Goal: the bytes of batches, genesis, leaves and rows: what is refused and why, what comes back,
 * and one frozen genesis (docs/formats.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ledger_fixture.h"

static const struct hash CHAIN = {{1, 2, 3}};

struct stored_batch {
    struct batch_header header;
    uint8_t signature[64];
    struct record records[3];
};

static struct stored_batch sound_batch(void)
{
    struct stored_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.header = (struct batch_header){.version = BATCH_VERSION,
                                         .kind = BATCH_RECORDS,
                                         .participant = 7,
                                         .key_no = 1,
                                         .count = 3,
                                         .created_ms = 1000,
                                         .expires_ms = 1000 + LIMIT_BATCH_LIFE_MS,
                                         .chain_id = CHAIN};
    batch.records[2].amount = 5;
    return batch;
}

static void assert_refused(const struct stored_batch *stored, size_t length, enum status expected,
                           const char *expected_field)
{
    struct batch batch;
    const char *field = "";
    assert_int_equal(batch_parse(stored, length, &CHAIN, &batch, &field), expected);
    assert_string_equal(field, expected_field);
    assert_int_equal(batch_parse(stored, length, &CHAIN, &batch, NULL), expected);
}

static void test_batch_parse(void **state)
{
    (void)state;
    struct stored_batch stored = sound_batch();
    struct batch batch;
    assert_int_equal(batch_parse(&stored, sizeof stored, &CHAIN, &batch, NULL), STATUS_OK);
    assert_int_equal(batch.body_length, 3 * RECORD_BYTES);
    assert_ptr_equal(batch.body, stored.records);
    struct hash id = batch_id(&stored.header);
    assert_true(hash_equal(&batch.id, &id));

    assert_refused(&stored, BATCH_PREFIX_BYTES - 1, STATUS_TRUNCATED, "header");
    assert_refused(&stored, sizeof stored - 1, STATUS_TRUNCATED, "body");
    assert_refused(&stored, BATCH_PREFIX_BYTES, STATUS_TRUNCATED, "body");
    stored.header.count = 2;
    assert_refused(&stored, sizeof stored, STATUS_TRAILING, "body");
    stored.header.count = LIMIT_BATCH_RECORDS + 1;
    assert_refused(&stored, sizeof stored, STATUS_OVERSIZED, "count");
    stored.header.count = 0;
    assert_refused(&stored, BATCH_PREFIX_BYTES, STATUS_MALFORMED, "count");
    stored = sound_batch();
    stored.header.version = 2;
    assert_refused(&stored, sizeof stored, STATUS_VERSION, "version");
    stored = sound_batch();
    stored.header.kind = 4;
    assert_refused(&stored, sizeof stored, STATUS_MALFORMED, "kind");
    stored = sound_batch();
    stored.header.chain_id.bytes[31] = 1;
    assert_refused(&stored, sizeof stored, STATUS_WRONG_CHAIN, "chain_id");
    stored = sound_batch();
    stored.header.participant = 0;
    assert_refused(&stored, sizeof stored, STATUS_MALFORMED, "participant");
    stored = sound_batch();
    stored.header.expires_ms = stored.header.created_ms;
    assert_refused(&stored, sizeof stored, STATUS_MALFORMED, "expires_ms");
    stored.header.expires_ms = stored.header.created_ms + LIMIT_BATCH_LIFE_MS + 1;
    assert_refused(&stored, sizeof stored, STATUS_MALFORMED, "expires_ms");
    stored = sound_batch();
    stored.header.reserved[55] = 1;
    assert_refused(&stored, sizeof stored, STATUS_MALFORMED, "reserved");
    stored = sound_batch();
    stored.header.parts = 1;
    assert_refused(&stored, sizeof stored, STATUS_MALFORMED, "parts");
    stored.header.source_hash.bytes[0] = 1;
    assert_int_equal(batch_parse(&stored, sizeof stored, &CHAIN, &batch, NULL), STATUS_OK);
    stored.header.part = 1;
    assert_refused(&stored, sizeof stored, STATUS_MALFORMED, "part");
    /* An action has one body of any length but none. */
    stored = sound_batch();
    stored.header.kind = BATCH_ACTION;
    assert_refused(&stored, sizeof stored, STATUS_MALFORMED, "count");
    stored.header.count = 1;
    assert_int_equal(batch_parse(&stored, BATCH_PREFIX_BYTES + 5, &CHAIN, &batch, NULL), STATUS_OK);
    assert_refused(&stored, BATCH_PREFIX_BYTES, STATUS_TRUNCATED, "body");
    stored.header.source_hash.bytes[0] = 1;
    stored.header.parts = 1;
    assert_refused(&stored, sizeof stored, STATUS_MALFORMED, "source_hash");
    struct {
        struct stored_batch stored;
        uint8_t more[BATCH_BODY_BYTES_MAX];
    } large = {.stored = sound_batch()};
    large.stored.header.kind = BATCH_EVIDENCE;
    large.stored.header.count = 1;
    size_t longest = BATCH_PREFIX_BYTES + BATCH_BODY_BYTES_MAX;
    assert_int_equal(batch_parse(&large, longest, &CHAIN, &batch, NULL), STATUS_OK);
    assert_refused(&large.stored, longest + 1, STATUS_OVERSIZED, "body");
}

static void test_batch_roots(void **state)
{
    (void)state;
    struct stored_batch stored = sound_batch();
    struct hash hashes[3];
    struct hash root = batch_records_root(stored.records, 3, hashes);
    struct hash leaves[3];
    for (unsigned i = 0; i < 3; i++) {
        struct hash own = record_hash(&stored.records[i]);
        assert_true(hash_equal(&hashes[i], &own));
        leaves[i] = merkle_leaf(&own, sizeof own);
    }
    struct hash expected = merkle_root(leaves, 3);
    assert_true(hash_equal(&root, &expected));
    assert_true(hash_equal(&hashes[0], &hashes[1]) && !hash_equal(&hashes[1], &hashes[2]));

    uint8_t bytes[BATCH_SIGNED_BYTES];
    batch_signed_bytes(&stored.header, bytes);
    assert_memory_equal(bytes, "hefu batch v1\0\0\0", 16);
    assert_memory_equal(bytes + 16, &stored.header, sizeof stored.header);
}

static void test_verdict_vector(void **state)
{
    (void)state;
    uint16_t verdicts[70];
    for (uint16_t i = 0; i < 70; i++) {
        verdicts[i] = i;
    }
    struct hash leaves[3] = {merkle_leaf(verdicts, 64), merkle_leaf(verdicts + 32, 64),
                             merkle_leaf(verdicts + 64, 12)};
    struct hash expected = merkle_root(leaves, 3);
    struct hash root = verdict_vector_root(verdicts, 70);
    assert_true(hash_equal(&root, &expected));
    root = verdict_vector_root(verdicts, 1);
    expected = verdict_chunk_leaf(verdicts, 1);
    assert_true(hash_equal(&root, &expected));
}

static struct hash chain_id_of(const struct genesis *genesis)
{
    size_t size = genesis_encoded_size(genesis);
    void *scratch = malloc(size);
    assert_non_null(scratch);
    struct hash id = genesis_chain_id(genesis, scratch, size);
    free(scratch);
    return id;
}

static void test_genesis_vector(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    fixture_start(f);
    size_t size = genesis_encoded_size(&f->genesis);
    assert_int_equal(size, 328 + 2 * 8 + 7 * (144 + 40) + 6 * 16 + 4 * 56 + 3 * 2 + 7 * 80 + 104);
    uint8_t *bytes = malloc(size);
    struct writer writer = writer_over(bytes, size);
    genesis_encode(&f->genesis, &writer);
    assert_false(writer.failed);
    assert_int_equal(writer.used, size);
    assert_int_equal(get_le32(bytes), 3);
    assert_string_equal((const char *)bytes + 4, "fixture");
    assert_int_equal(get_le64(bytes + 36), FIXTURE_CREATED_MS);
    assert_int_equal(get_le32(bytes + 324), 1); /* validators */
    assert_memory_equal(bytes + 332, "CNY", 4);
    char hex[65];
    bytes_to_hex(f->chain_id.bytes, HASH_BYTES, hex);
    assert_string_equal(hex, "778947f88a6b1cf494dff9e028a2bf0f99d013a278a1f2dd5e985d67583267e9");
    struct hash genesis_block = block_hash(ledger_store_header(f->store));
    bytes_to_hex(genesis_block.bytes, HASH_BYTES, hex);
    assert_string_equal(hex, "49d495c9388eebca13bb3e47068082ce634fe68fe8577ab04f420268c04f5455");
    free(bytes);
    /* Any change is another chain. */
    struct hash before = chain_id_of(&f->genesis);
    f->participants[6].keys[0].key.bytes[31] ^= 1;
    struct hash after = chain_id_of(&f->genesis);
    assert_false(hash_equal(&before, &after));
    fixture_free(f);
}

static enum status check_whole(const struct ledger_fixture *f, char *error, size_t size)
{
    enum status status = genesis_check(&f->genesis, error, size);
    if (status != STATUS_OK) {
        return status;
    }
    void *places = malloc(genesis_keys_scratch(&f->genesis));
    assert_non_null(places);
    status = genesis_check_keys(&f->genesis, places, error, size);
    free(places);
    return status;
}

static void refuse_genesis(const struct ledger_fixture *f, const char *needle)
{
    char error[200] = "";
    assert_int_equal(check_whole(f, error, sizeof error), STATUS_MALFORMED);
    if (strstr(error, needle) == NULL) {
        print_error("expected \"%s\" in \"%s\"\n", needle, error);
    }
    assert_non_null(strstr(error, needle));
    assert_int_equal(check_whole(f, NULL, 0), STATUS_MALFORMED);
}

/* Changes a field, expects the refusal, and puts it back. */
#define REFUSE(f, field, value, needle)                                                            \
    do {                                                                                           \
        __typeof__((f)->field) kept = (f)->field;                                                  \
        (f)->field = (value);                                                                      \
        refuse_genesis((f), (needle));                                                             \
        (f)->field = kept;                                                                         \
    } while (0)

static void test_genesis_check(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    char error[200];
    assert_int_equal(genesis_check(&f->genesis, error, sizeof error), STATUS_OK);
    REFUSE(f, genesis.network[0], 0, "network");
    REFUSE(f, genesis.network[30], 'x', "network");
    REFUSE(f, genesis.created_ms, 0, "created_ms");
    REFUSE(f, genesis.utc_offset_minutes, 900, "utc_offset_minutes");
    REFUSE(f, genesis.root_height, 5, "root");
    REFUSE(f, genesis.root_epoch, 1, "root");
    REFUSE(f, genesis.incarnation, 1, "root");
    REFUSE(f, genesis.delta_ms, 0, "delta_ms");
    REFUSE(f, genesis.block_records, LIMIT_BLOCK_RECORDS + 1, "block_records");
    REFUSE(f, genesis.currency_count, 0, "currencies");
    REFUSE(f, genesis.validator_count, 0, "validators");
    REFUSE(f, genesis.participant_count, 0, "participants");
    REFUSE(f, currencies[1].numeric, FIXTURE_CNY, "currencies[1]");
    REFUSE(f, currencies[0].code[1], 'n', "currencies[0]");
    REFUSE(f, currencies[0].exponent, 9, "exponent");
    REFUSE(f, participants[2].number, 2, "participants[2]");
    REFUSE(f, participants[2].roles, 256, "participant 3");
    REFUSE(f, participants[2].name[0], 0, "participant 3");
    REFUSE(f, participants[2].bic[0], '\n', "participant 3");
    REFUSE(f, participants[2].keys[0].key_no, 0, "participant 3, keys[0]");
    REFUSE(f, participants[2].keys[0].key_no, VALIDATOR_KEY_NO, "below 2147483648");
    REFUSE(f, participants[2].keys[0].permissions, 4, "participant 3, key 1");
    REFUSE(f, participants[2].key_count, 17, "participant 3");
    REFUSE(f, participants[2].transport_key.bytes[0], 0x40, "transport key is participant 1's");
    REFUSE(f, limits[1].currency, FIXTURE_CNY, "limits[1]");
    REFUSE(f, limits[5].participant, 8, "limits[5]");
    REFUSE(f, limits[5].flags, 2, "limits[5]");
    REFUSE(f, services[3].currency, 978, "service 4");
    REFUSE(f, services[3].mode, 3, "service 4");
    REFUSE(f, services[0].cutoffs[1], 600, "service 1: cut-offs");
    REFUSE(f, services[0].cutoff_count, 17, "service 1");
    REFUSE(f, schemes[1].number, 10, "schemes[1]");
    REFUSE(f, schemes[1].service, 9, "scheme 11");
    REFUSE(f, schemes[1].network, 1, "scheme 11");
    REFUSE(f, schemes[1].submitters, SIDE_NETWORK, "scheme 11");
    REFUSE(f, schemes[1].confirmations, 3, "scheme 11");
    REFUSE(f, validators[0].participant, 99, "validators[0]");
    REFUSE(f, validators[0].reserved, 1, "validators[0]");
    assert_int_equal(genesis_check(&f->genesis, error, sizeof error), STATUS_OK);
    /* One key under two numbers is one person; one number for two validators names neither. */
    fixture_governed(f, 5);
    assert_int_equal(genesis_check(&f->genesis, error, sizeof error), STATUS_OK);
    REFUSE(f, participants[2].keys[1].key, f->participants[2].keys[0].key,
           "participant 3, keys[1]: the key of participant 3, keys[0] again");
    REFUSE(f, participants[2].keys[1].key, f->participants[0].keys[0].key,
           "participant 3, keys[1]: the key of participant 1, keys[0] again");
    struct public_key alike = fixture_validator_key(0);
    alike.bytes[9] = 1;
    REFUSE(f, validators[4].key, alike, "the same four bytes");
    REFUSE(f, validators[4].key, fixture_validator_key(0), "a key of validators[0] again");
    assert_null(genesis_participant(&f->genesis, 8));
    assert_ptr_equal(genesis_participant(&f->genesis, 7), &f->participants[6]);
    assert_null(genesis_scheme(&f->genesis, 13));
    assert_null(genesis_service(&f->genesis, 0));
    assert_ptr_equal(genesis_currency(&f->genesis, FIXTURE_USD), &f->currencies[1]);
    fixture_free(f);
}

/* Room, policies, sponsors, dates, disputes. */
static void test_options_check(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    REFUSE(f, genesis.participants_max, 6, "participants_max: 6 is outside 7");
    REFUSE(f, genesis.participants_max, LIMIT_PARTICIPANTS + 1, "participants_max");
    REFUSE(f, genesis.services_max, 65, "services_max: 65");
    REFUSE(f, genesis.parameters.queue_max, LIMIT_QUEUE + 1, "queue_max");
    REFUSE(f, genesis.parameters.queue_quota, 0, "queue_quota");
    REFUSE(f, genesis.parameters.fund_share_ppm, 1000001, "fund_share_ppm");
    REFUSE(f, genesis.parameters.policies[2].kind, 6, "policies[2]");
    REFUSE(f, genesis.parameters.policies[3].approvals, 17, "policies[3]");
    REFUSE(f, genesis.parameters.policies[4].approvers, 0, "policies[4]");
    REFUSE(f, genesis.parameters.policies[5].proposers, 256, "policies[5]");
    REFUSE(f, genesis.parameters.policies[6].lapse_s, 59, "policies[6]");
    REFUSE(f, participants[2].status, STANDING_SUSPENDED, "participant 3: status");
    REFUSE(f, participants[2].settles_through, 3, "settles_through 3");
    REFUSE(f, participants[2].settles_through, 99, "settles_through 99");
    REFUSE(f, services[0].calendar, 1, "calendar 1 is not declared");
    REFUSE(f, services[0].settlement_days, 31, "settlement_days");
    REFUSE(f, services[0].settle_minute, 1440, "settle_minute");
    REFUSE(f, services[0].flags, 2, "service 1: unknown flags");
    REFUSE(f, schemes[0].flags, 4, "scheme 10: unknown flags");
    REFUSE(f, schemes[3].flags, SCHEME_FEE_MANDATE, "scheme 20: its service is gross");
    REFUSE(f, schemes[3].chargeback_s, 60, "scheme 20: its service is gross");
    REFUSE(f, schemes[0].pre_arbitrate_s, 60, "scheme 10: pre_arbitrate_s needs");
    REFUSE(f, schemes[0].fee_rule_count, 17, "17 fee rules");
    REFUSE(f, schemes[0].fee_rule_count, 1, "fee_rules[0]");
    fixture_free(f);
}

static void test_products_check(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    struct genesis_calendar *calendar = calloc(1, sizeof *calendar);
    assert_non_null(calendar);
    *calendar = (struct genesis_calendar){.number = 1,
                                          .name = "days",
                                          .weekend = 96,
                                          .holiday_count = 2,
                                          .holidays = {20180215, 20180216},
                                          .workday_count = 1,
                                          .workdays = {20180211}};
    f->genesis.calendars = calendar;
    f->genesis.calendar_count = 1;
    f->services[0].calendar = 1;
    f->schemes[0].fee_rule_count = 1;
    f->schemes[0].fee_rules[0] = (struct fee_rule){.from_date = 20160906,
                                                   .mcc_to = 9999,
                                                   .which = FEE_INTERCHANGE,
                                                   .rounding = ROUND_HALF_UP,
                                                   .rate_ppm = 3500,
                                                   .minimum = 1,
                                                   .cap = 1300};
    char error[200];
    assert_int_equal(genesis_check(&f->genesis, error, sizeof error), STATUS_OK);
    REFUSE(f, genesis.calendar_count, 17, "calendars: the number of them is 17");
    REFUSE(f, genesis.calendars->number, 0, "calendars[0]: number 0");
    REFUSE(f, genesis.calendars->weekend, 128, "calendar 1: unknown days");
    REFUSE(f, genesis.calendars->name[0], 0, "calendar 1");
    REFUSE(f, genesis.calendars->holidays[1], 20180215, "calendar 1: holidays");
    REFUSE(f, genesis.calendars->holidays[1], 20180230, "calendar 1: holidays");
    REFUSE(f, genesis.calendars->workdays[0], 20180216, "none in both");
    REFUSE(f, genesis.calendars->workday_count, 257, "calendar 1: holidays");
    struct fee_rule *rule = &f->schemes[0].fee_rules[0];
    const struct fee_rule good = *rule;
#define REFUSE_RULE(field, value)                                                                  \
    do {                                                                                           \
        rule->field = (value);                                                                     \
        refuse_genesis(f, "scheme 10, fee_rules[0]");                                              \
        *rule = good;                                                                              \
    } while (0)
    REFUSE_RULE(from_date, 20160931);
    REFUSE_RULE(to_date, 20160905);
    REFUSE_RULE(mcc_to, 10000);
    REFUSE_RULE(mcc_from, 10000);
    REFUSE_RULE(which, 4);
    REFUSE_RULE(rounding, 0);
    REFUSE_RULE(rounding, 5);
    REFUSE_RULE(rate_ppm, -1000001);
    REFUSE_RULE(reserved, 1);
    REFUSE_RULE(minimum, 1301);
    REFUSE_RULE(cap, LIMIT_AMOUNT);
#undef REFUSE_RULE
    /* A network's fee needs a network. */
    f->schemes[1].fee_rule_count = 1;
    f->schemes[1].fee_rules[0] = good;
    assert_int_equal(genesis_check(&f->genesis, error, sizeof error), STATUS_OK);
    f->schemes[1].fee_rules[0].which = FEE_PAYEE;
    refuse_genesis(f, "scheme 11, fee_rules[0]");
    fixture_free(f);
    free(calendar);
}

static void test_account_leaf(void **state)
{
    (void)state;
    struct account account = {.number = 5,
                              .participant = 6,
                              .currency = 156,
                              .class = ACCOUNT_POSITION,
                              .flags = 1,
                              .limit = 7,
                              .entries = 8,
                              .last_page_height = 9};
    account.totals[TOTAL_DEBITS_POSTED].minor = (unsigned __int128)1 << 100;
    account.totals[TOTAL_CREDITS_PENDING].minor = 11;
    account.head.bytes[31] = 12;
    uint8_t leaf[ACCOUNT_LEAF_BYTES];
    account_encode(&account, leaf);
    assert_int_equal(get_le16(leaf + 10), ACCOUNT_POSITION);
    assert_int_equal(leaf[16 + 12], 16); /* bit 100 of debits_posted */
    assert_int_equal(get_le64(leaf + 64), 11);
    assert_int_equal(get_le64(leaf + 96), 9);
    assert_int_equal(leaf[135], 12);
    struct account back;
    assert_int_equal(account_decode((struct span){leaf, sizeof leaf}, &back), STATUS_OK);
    assert_true(total_equal(back.totals[0], account.totals[0]));
    assert_int_equal(back.entries, 8);
    assert_int_equal(account_decode((struct span){leaf, 135}, &back), STATUS_TRUNCATED);
    leaf[10] = 9;
    assert_int_equal(account_decode((struct span){leaf, sizeof leaf}, &back), STATUS_MALFORMED);
    assert_string_equal(account_class_name(ACCOUNT_FUND), "FUND");
    assert_null(account_class_name(0));
    assert_null(account_class_name(9));
    /* The numbering of docs/formats.md. */
    assert_int_equal(account_number_hub(1, ACCOUNT_CASH), 4);
    assert_int_equal(account_number_hub(0, ACCOUNT_FUND), 3);
    assert_int_equal(account_number(2, 0, 0, ACCOUNT_SETTLEMENT), 8);
    assert_int_equal(account_number(2, 3, 1, ACCOUNT_CLAIM), 8 + 3 * 8 + 4 + 3);
}

static void test_rows(void **state)
{
    (void)state;
    uint8_t value[STATE_VALUE_BYTES_MAX];
    struct id_row id = {.place = {3, 4}, .record_hash = {{5}}};
    struct id_row id_back;
    id_encode(&id, value);
    assert_int_equal(id_decode((struct span){value, ID_VALUE_BYTES}, &id_back), STATUS_OK);
    assert_true(id_back.place.height == 3 && id_back.place.position == 4);
    assert_int_equal(id_decode((struct span){value, ID_VALUE_BYTES + 1}, &id_back),
                     STATUS_TRAILING);

    struct life_row life = {.returned = 9, .state = LIFE_POSTED};
    life_encode(&life, value);
    assert_int_equal(life_decode((struct span){value, LIFE_VALUE_BYTES}, &life), STATUS_OK);
    value[0] = 0;
    assert_int_equal(life_decode((struct span){value, LIFE_VALUE_BYTES}, &life), STATUS_MALFORMED);

    struct transaction_row transaction = {.place = {1, 2}};
    transaction_encode(&transaction, value);
    assert_int_equal(
        transaction_decode((struct span){value, TRANSACTION_VALUE_BYTES}, &transaction), STATUS_OK);
    value[14] = 1;
    assert_int_equal(
        transaction_decode((struct span){value, TRANSACTION_VALUE_BYTES}, &transaction),
        STATUS_MALFORMED);

    struct state_row row = {.height = 6, .history = {.size = 6}, .queue_sum = 7};
    struct state_row back;
    row.history.roots[1].bytes[0] = 1;
    row.history.roots[2].bytes[0] = 2;
    size_t length = state_encode(&row, value);
    assert_int_equal(length, 8 + 32 + 32 + 32 * 32 + 8 + 8 + 8 + 2 * 32);
    assert_int_equal(state_decode((struct span){value, length}, &back), STATUS_OK);
    assert_memory_equal(&back, &row, sizeof row);
    assert_int_equal(state_decode((struct span){value, length - 1}, &back), STATUS_TRUNCATED);
    value[0] = 1;
    assert_int_equal(state_decode((struct span){value, length}, &back), STATUS_VERSION);
}

static const char *text_of(__int128 minor, unsigned exponent)
{
    static char text[MONEY_TEXT_BYTES];
    return money_format((struct difference){minor}, exponent, text);
}

static void test_money_format(void **state)
{
    (void)state;
    assert_string_equal(text_of(0, 0), "0");
    assert_string_equal(text_of(0, 2), "0.00");
    assert_string_equal(text_of(-5, 2), "-0.05");
    assert_string_equal(text_of(123456, 2), "1234.56");
    assert_string_equal(text_of(1000, 3), "1.000");
    assert_string_equal(text_of(-7, 0), "-7");
    assert_string_equal(text_of((__int128)((unsigned __int128)1 << 127), 2),
                        "-1701411834604692317316873037158841057.28");
}

static void test_kind_names(void **state)
{
    (void)state;
    for (unsigned kind = 1; kind <= 24; kind++) {
        assert_int_equal(record_kind_of_name(record_kind_name(kind)), kind);
    }
    assert_null(record_kind_name(0));
    assert_null(record_kind_name(25));
    assert_int_equal(record_kind_of_name("clear"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_parse),    cmocka_unit_test(test_batch_roots),
        cmocka_unit_test(test_verdict_vector), cmocka_unit_test(test_genesis_vector),
        cmocka_unit_test(test_genesis_check),  cmocka_unit_test(test_products_check),
        cmocka_unit_test(test_options_check),  cmocka_unit_test(test_account_leaf),
        cmocka_unit_test(test_rows),           cmocka_unit_test(test_money_format),
        cmocka_unit_test(test_kind_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
