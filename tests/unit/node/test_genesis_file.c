/*
 * genesis.json (node/genesis_file.h): what is written reads back as the same chain; layout does not
 * matter, every word does; each slip is refused with its place and what was expected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "node/genesis_file.h"
#include "node/keys.h"
#include "tests/support/folder.h"

#define PARTICIPANTS 3
#define VALIDATORS 4

static struct folder folder;
static char error[2048];

/* ---- A genesis with something in every field ---- */

static struct public_key signing_public(uint8_t number)
{
    uint8_t seed[32] = {number};
    struct signing_key *key = signing_key_from_seed(seed);
    assert_non_null(key);
    struct public_key public_key = *signing_key_public(key);
    signing_key_free(key);
    return public_key;
}

static struct transport_key transport_public(uint8_t number)
{
    uint8_t secret[NOISE_KEY_BYTES] = {0, number};
    struct noise_key_pair pair;
    assert_int_equal(noise_key_pair_from_secret(secret, &pair), STATUS_OK);
    return pair.public_key;
}

static void fill_participants(struct genesis *genesis)
{
    static const uint32_t roles[PARTICIPANTS] = {ROLE_BANK | ROLE_AGENT, ROLE_NETWORK,
                                                 ROLE_FINTECH | ROLE_AUDITOR};
    for (uint32_t i = 0; i < PARTICIPANTS; i++) {
        struct genesis_participant *participant = &genesis->participants[i];
        participant->number = 10 * (i + 1);
        participant->status = STANDING_ACTIVE;
        participant->roles = roles[i];
        (void)snprintf(participant->name, sizeof participant->name, "\xe9\x93\xb6\xe8\xa1\x8c %u",
                       i);
        participant->key_count = i; /* none, one, two */
        for (uint32_t k = 0; k < i; k++) {
            participant->keys[k] =
                (struct participant_key){.key_no = k + 1,
                                         .permissions = (uint32_t)PERMISSION_SUBMIT << k,
                                         .key = signing_public((uint8_t)(50 + 10 * i + k))};
        }
    }
    genesis->participants[2].settles_through = 10;
    strcpy(genesis->participants[0].bic, "ABCDCNBJXXX");
    strcpy(genesis->participants[0].clearing_code, "102100099996");
    genesis->participants[1].transport_key = transport_public(99);
}

/* Calendar, dates, disputes, fee rules and policies other than the usual ones. */
static void fill_rules(struct genesis *genesis)
{
    genesis->participants_max = 100;
    genesis->services_max = 5;
    genesis->parameters = genesis_default_parameters();
    genesis->parameters.queue_max = 50;
    genesis->parameters.queue_quota = 7;
    genesis->parameters.fund_share_ppm = 0;
    genesis->parameters.policies[7] = (struct action_policy){.kind = 12,
                                                             .approvals = 4,
                                                             .proposers = ROLE_BANK | ROLE_AGENT,
                                                             .approvers = ROLE_AUDITOR,
                                                             .lapse_s = 60};
    genesis->calendars = calloc(1, sizeof *genesis->calendars);
    genesis->calendar_count = 1;
    genesis->calendars[0] = (struct genesis_calendar){.number = 3,
                                                      .weekend = 97,
                                                      .holiday_count = 2,
                                                      .workday_count = 1,
                                                      .holidays = {20260101, 20260217},
                                                      .workdays = {20260214},
                                                      .name = "China"};
    struct genesis_service *service = &genesis->services[0];
    service->calendar = 3;
    service->settlement_days = 1;
    service->settle_minute = 545;
    service->flags = SERVICE_BUSINESS_DAYS;
    struct genesis_scheme *scheme = &genesis->schemes[0];
    scheme->flags = SCHEME_FEES_BINDING | SCHEME_FEE_MANDATE;
    scheme->chargeback_s = 1000;
    scheme->represent_s = 200;
    scheme->pre_arbitrate_s = 300;
    scheme->answer_s = 400;
    scheme->rule_s = 500;
    scheme->fee_rule_count = 2;
    scheme->fee_rules[0] = (struct fee_rule){.from_date = 20160906,
                                             .to_date = 20261231,
                                             .mcc_from = 1,
                                             .mcc_to = 9999,
                                             .which = FEE_INTERCHANGE,
                                             .rounding = ROUND_HALF_EVEN,
                                             .rate_ppm = -3500,
                                             .minimum = 1,
                                             .cap = LIMIT_AMOUNT - 1};
    scheme->fee_rules[1] = (struct fee_rule){
        .from_date = 20270101, .mcc_to = 5, .which = FEE_PAYEE, .rounding = ROUND_UP};
}

static void fill_genesis(struct genesis *genesis)
{
    memset(genesis, 0, sizeof *genesis);
    strcpy(genesis->network, "a test network");
    genesis->created_ms = 1767225600000;
    genesis->incarnation = 1;
    genesis->utc_offset_minutes = 480;
    memset(genesis->root_chain_id.bytes, 0xaa, HASH_BYTES);
    memset(genesis->root_hash.bytes, 0xbb, HASH_BYTES);
    genesis->root_height = 12345;
    genesis->root_epoch = 7;
    genesis->delta_ms = 400;
    genesis->block_interval_ms = 5;
    genesis->empty_interval_ms = 30000;
    genesis->block_records = 1000;
    genesis->currencies = calloc(2, sizeof *genesis->currencies);
    genesis->participants = calloc(PARTICIPANTS, sizeof *genesis->participants);
    genesis->limits = calloc(2, sizeof *genesis->limits);
    genesis->services = calloc(2, sizeof *genesis->services);
    genesis->schemes = calloc(2, sizeof *genesis->schemes);
    genesis->validators = calloc(VALIDATORS, sizeof *genesis->validators);
    genesis->currency_count = genesis->limit_count = genesis->service_count = 2;
    genesis->scheme_count = 2;
    genesis->participant_count = PARTICIPANTS;
    genesis->validator_count = VALIDATORS;
    genesis->currencies[0] = (struct genesis_currency){156, 2, "CNY"};
    genesis->currencies[1] = (struct genesis_currency){392, 0, "JPY"};
    fill_participants(genesis);
    genesis->limits[0] = (struct genesis_limit){10, 156, LIMIT_COVERED, LIMIT_AMOUNT - 1};
    genesis->limits[1] = (struct genesis_limit){20, 392, 0, 5000};
    genesis->services[0] = (struct genesis_service){.number = 1,
                                                    .currency = 156,
                                                    .mode = SERVICE_DEFERRED,
                                                    .settlement = SETTLEMENT_PREFUNDED,
                                                    .name = "day",
                                                    .funding_window_s = 600,
                                                    .cutoff_count = 2,
                                                    .cutoffs = {0, 1439}};
    genesis->services[1] = (struct genesis_service){.number = 7,
                                                    .currency = 392,
                                                    .mode = SERVICE_GROSS,
                                                    .settlement = SETTLEMENT_EXTERNAL,
                                                    .name = "gross"};
    genesis->schemes[0] = (struct genesis_scheme){.number = 1,
                                                  .service = 1,
                                                  .submitters = SIDE_PAYEE | SIDE_NETWORK,
                                                  .confirmations = 1,
                                                  .network = 20,
                                                  .hold_timeout_s = 3600,
                                                  .match_timeout_s = 60,
                                                  .name = "card"};
    genesis->schemes[1] = (struct genesis_scheme){
        .number = 2, .service = 7, .submitters = SIDE_PAYER, .confirmations = 2, .name = "pay"};
    fill_rules(genesis);
    for (uint32_t i = 0; i < VALIDATORS; i++) {
        struct genesis_validator *validator = &genesis->validators[i];
        validator->participant = 10 * (i % PARTICIPANTS + 1);
        validator->key = signing_public((uint8_t)(i + 1));
        validator->transport_key = transport_public((uint8_t)(i + 1));
        (void)snprintf(validator->name, sizeof validator->name, "node-%u", i);
    }
}

static json_t *whole_json(void)
{
    struct genesis genesis;
    json_error_t json_error;
    const char *path = folder_file(&folder, "whole.json");
    fill_genesis(&genesis);
    enum status status = genesis_file_write(path, &genesis, error, sizeof error);
    if (status != STATUS_OK) {
        print_error("%s\n", error);
    }
    assert_int_equal(status, STATUS_OK);
    genesis_free(&genesis);
    json_t *json = json_load_file(path, 0, &json_error);
    assert_non_null(json);
    return json;
}

static enum status read_json(json_t *json, struct genesis *ret_genesis)
{
    char *text = json_dumps(json, 0);
    assert_non_null(text);
    memset(error, 0, sizeof error);
    enum status status =
        genesis_text_read(text, strlen(text), "genesis.json", ret_genesis, error, sizeof error);
    free(text);
    return status;
}

/* ---- Tests ---- */

/* Goal: written, read, the same in every field and therefore the same chain. */
static void test_round_trip(void **state)
{
    (void)state;
    struct genesis genesis;
    struct genesis again;
    const char *path = folder_file(&folder, "genesis.json");
    fill_genesis(&genesis);
    assert_int_equal(genesis_file_write(path, &genesis, error, sizeof error), STATUS_OK);
    assert_int_equal(genesis_file_write(path, &genesis, error, sizeof error), STATUS_OK);
    assert_int_equal(genesis_file_read(path, &again, error, sizeof error), STATUS_OK);
    assert_string_equal(again.network, genesis.network);
    assert_int_equal(again.created_ms, genesis.created_ms);
    assert_int_equal(again.utc_offset_minutes, 480);
    assert_int_equal(again.root_height, 12345);
    assert_int_equal(again.root_epoch, 7);
    assert_memory_equal(again.currencies, genesis.currencies, 2 * sizeof *again.currencies);
    assert_memory_equal(again.participants, genesis.participants,
                        PARTICIPANTS * sizeof *again.participants);
    assert_memory_equal(again.limits, genesis.limits, 2 * sizeof *again.limits);
    assert_memory_equal(again.services, genesis.services, 2 * sizeof *again.services);
    assert_memory_equal(again.schemes, genesis.schemes, 2 * sizeof *again.schemes);
    assert_memory_equal(again.calendars, genesis.calendars, sizeof *again.calendars);
    assert_memory_equal(&again.parameters, &genesis.parameters, sizeof again.parameters);
    assert_int_equal(again.participants_max, 100);
    assert_int_equal(again.services_max, 5);
    assert_memory_equal(again.validators, genesis.validators,
                        VALIDATORS * sizeof *again.validators);
    struct hash a = genesis_file_chain_id(&genesis);
    struct hash b = genesis_file_chain_id(&again);
    assert_true(hash_equal(&a, &b));
    assert_false(hash_is_zero(&a));
    genesis_free(&genesis);
    genesis_free(&again);
    assert_null(again.participants);
}

/* Goal: spaces, the order of keys, numbers as strings and left-out zeroes do not change the chain;
   another figure does. */
static void test_layout(void **state)
{
    (void)state;
    struct genesis genesis;
    struct genesis again;
    json_t *json = whole_json();
    assert_int_equal(read_json(json, &genesis), STATUS_OK);
    struct hash chain_id = genesis_file_chain_id(&genesis);
    genesis_free(&genesis);

    json_t *limit = json_array_get(json_object_get(json, "limits"), 1);
    assert_int_equal(json_object_set_new(limit, "cap", json_string("5000")), 0);
    assert_int_equal(json_object_set_new(limit, "flags", json_array()), 0);
    json_t *network = json_incref(json_object_get(json, "network"));
    assert_int_equal(json_object_del(json, "network"), 0);
    assert_int_equal(json_object_set_new(json, "network", network), 0);
    assert_int_equal(read_json(json, &again), STATUS_OK);
    struct hash same = genesis_file_chain_id(&again);
    assert_true(hash_equal(&chain_id, &same));
    genesis_free(&again);

    assert_int_equal(json_object_set_new(limit, "cap", json_string("5001")), 0);
    assert_int_equal(read_json(json, &again), STATUS_OK);
    struct hash other = genesis_file_chain_id(&again);
    assert_false(hash_equal(&chain_id, &other));
    genesis_free(&again);
    json_decref(json);
}

/* Goal: the whole set, in the file's order. */
static void test_validator_set(void **state)
{
    (void)state;
    struct genesis genesis;
    static struct validator_set set;
    fill_genesis(&genesis);
    assert_int_equal(genesis_validator_set(&genesis, 3, &set), STATUS_OK);
    assert_int_equal(set.count, VALIDATORS);
    assert_int_equal(set.epoch, 3);
    assert_int_equal(set.quorum, 3);
    assert_false(hash_is_zero(&set.hash));
    for (uint32_t i = 0; i < VALIDATORS; i++) {
        assert_memory_equal(&set.members[i].key, &genesis.validators[i].key, 32);
        assert_int_equal(set.members[i].participant, genesis.validators[i].participant);
    }
    genesis.validators[1].key = genesis.validators[0].key;
    assert_int_equal(genesis_validator_set(&genesis, 3, &set), STATUS_EXISTS);
    genesis_free(&genesis);
}

/* The value at a place as "participants[1].keys" in json, and what holds it. */
static json_t *find(json_t *json, const char *place, json_t **ret_holder, char ret_name[64])
{
    json_t *value = json;
    const char *next = place;
    while (*next != '\0') {
        size_t length = strcspn(next, ".[]");
        assert_true(length > 0 && length < 64);
        memcpy(ret_name, next, length);
        ret_name[length] = '\0';
        *ret_holder = value;
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(ret_name))
                                     : json_object_get(value, ret_name);
        next += length;
        next += strspn(next, ".[]");
    }
    return value;
}

#define SMALL_ORDER "\"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa\""
#define ZERO "\"0000000000000000000000000000000000000000000000000000000000000000\""

/* value NULL: the key is left out. */
static const struct {
    const char *place;
    const char *value;
    const char *words;
} slips[] = {
    {"network", NULL, "it is missing"},
    {"network", "\"\"", "a text of 1 to 31 bytes"},
    {"network", "\"a name that is far too long for it\"", "a text of 1 to 31 bytes"},
    {"network", "\"two\\nlines\"", "a text of 1 to 31 bytes"},
    {"network", "7", "a text of 1 to 31 bytes"},
    {"colour", "1", "unknown"},
    {"created_ms", "-1", "a whole number from 0"},
    {"created_ms", "1.5", "a whole number from 0"},
    {"created_ms", "\"12x\"", "a whole number from 0"},
    {"created_ms", "\"99999999999999999999999\"", "a whole number from 0"},
    {"created_ms", "\"\"", "a whole number from 0"},
    {"utc_offset_minutes", "1441", "minutes from"},
    {"utc_offset_minutes", "\"480\"", "minutes from"},
    {"root.hash", NULL, "it is missing"},
    {"root.hash", "\"00\"", "64 hexadecimal digits"},
    {"consensus", "[]", "an object"},
    {"consensus.block_records", "32769", "a whole number from 0 to 32768"},
    {"currencies", "{}", "an array of at most 64 objects"},
    {"currencies[1]", "5", "an object"},
    {"participants[1].keys[0].key", "\"xy\"", "64 hexadecimal digits"},
    {"participants[2].keys[1].permissions", "[\"submit\", \"fly\"]", "submit act"},
    {"participants[2].roles", "[\"bank\", \"bank\"]", "each once"},
    {"participants[2].roles", "\"bank\"", "an array of some of"},
    {"participants[0].bic", "\"ABCDCNBJXXXX\"", "a text of 1 to 11 bytes"},
    {"participants[0].colour", "1", "unknown"},
    {"limits[0].currency", "\"EUR\"", "the code of one of the currencies"},
    {"limits[0].cap", "\"1000000000000000000\"", "a whole number from 0 to 999999999999999999"},
    {"services[0].mode", "\"fast\"", "deferred gross"},
    {"services[0].cutoffs", "[\"24:00\"]", "17:30"},
    {"services[0].cutoffs", "[\"9:00\"]", "17:30"},
    {"services[0].cutoffs", "[1020]", "17:30"},
    {"schemes[0].submitters", "[\"payer\", 4]", "payer payee network"},
    {"participants_max", NULL, "it is missing"},
    {"participants_max", "2", "participants_max: 2 is outside 3"}, /* genesis_check's */
    {"parameters", NULL, "it is missing"},
    {"parameters.queue_quota", "51", "queue_quota"},
    {"parameters.policies", "[]", "an array of exactly 8 objects"},
    {"parameters.policies[1].kind", "\"votes\"", "participant keys standing"},
    {"parameters.policies[1].kind", "\"participant\"", "policies[1]"},
    {"participants[0].settles_through", "30", "no sponsor itself"},
    {"calendars[0].weekend", "[\"someday\"]", "monday tuesday"},
    {"calendars[0].holidays", "[\"1 May\"]", "dates, as in 20260101"},
    {"calendars[0].holidays", "[20260230]", "calendar 3: holidays"},
    {"services[0].settle_time", "\"9:05\"", "a time as in"},
    {"services[0].calendar", "4", "calendar 4 is not declared"},
    {"services[0].flags", "[\"weekly\"]", "business_days"},
    {"schemes[0].flags", "[\"free\"]", "fees_binding fee_mandate"},
    {"schemes[0].answer_s", NULL, "pre_arbitrate_s needs"},
    {"schemes[0].fee_rules[0].rate_ppm", "0.35", "a whole number from -2147483647"},
    {"schemes[0].fee_rules[0].fee", "\"tip\"", "interchange payer_fee payee_fee"},
    {"schemes[0].fee_rules[1].rounding", "\"half\"", "half_up half_even"},
    {"schemes[0].fee_rules[1].cap", "-1", "a whole number from 0"},
    {"validators[3].key", SMALL_ORDER, "a valid public key"},
    {"validators[2].transport_key", ZERO, "both keys"},
    {"participants[1].keys[0].key", SMALL_ORDER, "a valid public key"},
    {"participants[1].transport_key",
     "\"0100000000000000000000000000000000000000000000000000000000000000\"", "a valid public key"},
    {"schemes[0].network", "10", "network"}, /* genesis_check's: not a network */
    {"limits[1].participant", "21", "not declared"},
};

/* Goal: each slip gives its place and what was expected. */
static void test_slips(void **state)
{
    (void)state;
    json_t *whole = whole_json();
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        struct genesis genesis;
        char name[64];
        json_t *holder = NULL;
        json_t *json = json_deep_copy(whole);
        (void)find(json, slips[i].place, &holder, name);
        if (slips[i].value == NULL) {
            assert_int_equal(json_object_del(holder, name), 0);
        } else {
            json_t *value = json_loads(slips[i].value, JSON_DECODE_ANY, NULL);
            assert_non_null(value);
            assert_int_equal(json_is_array(holder)
                                 ? json_array_set_new(holder, (size_t)atoi(name), value)
                                 : json_object_set_new(holder, name, value),
                             0);
        }
        assert_int_equal(read_json(json, &genesis), STATUS_MALFORMED);
        bool own = strstr(error, "expected") != NULL && strstr(slips[i].words, "declared") == NULL;
        if (strstr(error, slips[i].words) == NULL ||
            (own && strstr(error, "genesis.json: ") == NULL)) {
            fail_msg("row %zu: %s", i, error);
        }
        json_decref(json);
    }
    json_decref(whole);
}

/* Goal: the place is the whole path, down to the item. */
static void test_place(void **state)
{
    (void)state;
    struct genesis genesis;
    json_t *json = whole_json();
    json_t *holder;
    char name[64];
    (void)find(json, "participants[2].keys[1].key_no", &holder, name);
    assert_int_equal(json_object_set_new(holder, name, json_true()), 0);
    assert_int_equal(read_json(json, &genesis), STATUS_MALFORMED);
    assert_non_null(strstr(error, "genesis.json: participants[2].keys[1].key_no: expected"));
    json_decref(json);
}

/* Goal: what is not JSON is refused at its line and column. */
static void test_not_json(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *place;
    } rows[] = {
        {"{\n  \"network\": \"x\",\n}", "g:3:1:"}, {"", "g:1:0:"},   {"{\"a\":1,\"a\":2}", "g:1:"},
        {"{\"network\":\"\xff\"}", "g:1:"},        {"{} x", "g:1:"},
    };
    struct genesis genesis;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(genesis_text_read(rows[i].text, strlen(rows[i].text), "g", &genesis, error,
                                           sizeof error),
                         STATUS_MALFORMED);
        if (strstr(error, rows[i].place) != error) {
            fail_msg("row %zu: %s", i, error);
        }
    }
    assert_int_equal(genesis_text_read("[]", 2, "g", &genesis, error, sizeof error),
                     STATUS_MALFORMED);
    assert_int_equal(
        genesis_file_read(folder_file(&folder, "absent.json"), &genesis, error, sizeof error),
        STATUS_NOT_FOUND);
    assert_non_null(strstr(error, "absent.json"));
}

/* Goal: a genesis that cannot be is not written. */
static void test_refuses_to_write(void **state)
{
    (void)state;
    struct genesis genesis;
    const char *path = folder_file(&folder, "never.json");
    fill_genesis(&genesis);
    genesis.schemes[0].service = 99;
    assert_int_equal(genesis_file_write(path, &genesis, error, sizeof error), STATUS_MALFORMED);
    genesis.schemes[0].service = 1;
    memset(genesis.validators[0].key.bytes, 1, 32); /* no point of the group */
    assert_int_equal(genesis_file_write(path, &genesis, error, sizeof error), STATUS_MALFORMED);
    assert_int_equal(genesis_file_read(path, &genesis, error, sizeof error), STATUS_NOT_FOUND);
    genesis_free(&genesis);
}

static int setup(void **state)
{
    (void)state;
    folder_make(&folder);
    return sodium_init() < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_validator_set),
        cmocka_unit_test(test_slips),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_not_json),
        cmocka_unit_test(test_refuses_to_write),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
