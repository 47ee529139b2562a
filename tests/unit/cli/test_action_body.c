/* test_action_body: actions of kinds 5 to 12 as people write them: their bytes are those of
   docs/formats.md, in words they say what they change, and every slip is told with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium/core.h>

#include "base/bytes.h"
#include "cli/action_body.h"
#include "cli/plan.h"
#include "ledger/genesis_rows.h"
#include "node/genesis_file.h"
#include "node/keys.h"

static struct genesis genesis;
static struct names *names;
static struct action_body body;
static char key_text[65];
static char error[512];

static int start(void **state)
{
    (void)state;
    static const uint8_t seed[32] = {7};
    if (sodium_init() < 0 || plan_read(NULL, &genesis, error, sizeof error) != STATUS_OK) {
        return -1;
    }
    struct signing_key *key = signing_key_from_seed(seed);
    assert_non_null(key);
    bytes_to_hex(signing_key_public(key)->bytes, 32, key_text);
    signing_key_free(key);
    names = names_new(&genesis);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    names_free(names);
    genesis_free(&genesis);
    return 0;
}

/* $: a key. */
static enum status read_text(const char *pattern)
{
    char text[2048];
    size_t used = 0;
    for (; *pattern != '\0'; pattern++) {
        used += (size_t)snprintf(text + used, sizeof text - used, *pattern == '$' ? "%s" : "%.1s",
                                 *pattern == '$' ? key_text : pattern);
    }
    json_t *root = json_loadb(text, used, 0, NULL);
    assert_non_null(root);
    error[0] = '\0';
    enum status status = action_body_read(root, "f.json", names, &body, error, sizeof error);
    json_decref(root);
    return status;
}

static void expect(const char *pattern, uint16_t kind, size_t length, const char *words)
{
    char text[1024];
    enum status status = read_text(pattern);
    assert_string_equal(error, "");
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(get_le16(body.bytes), 1);
    assert_int_equal(get_le16(body.bytes + 2), kind);
    assert_int_equal(get_le32(body.bytes + 4), 0);
    assert_int_equal(body.length, 8 + length);
    struct span span = {body.bytes, body.length};
    assert_int_equal(action_body_words(span, names, text, sizeof text), STATUS_OK);
    if (strstr(text, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", text, words);
    }
    /* Not one byte more or less is a body. */
    span.length--;
    assert_int_not_equal(action_body_words(span, names, text, sizeof text), STATUS_OK);
}

static void test_participants_and_keys(void **state)
{
    (void)state;
    struct genesis_participant row;
    expect("{\"action\":\"participant\",\"participant\":{\"number\":611,\"name\":\"New Bank\","
           "\"roles\":[\"bank\"],\"settles_through\":\"harbour-bank\",\"keys\":[{\"key_no\":1,"
           "\"permissions\":[\"submit\",\"act\"],\"key\":\"$\"}]}}",
           ACTION_PARTICIPANT, 144 + 40,
           "611 New Bank, BANK, 1 keys, settles through Harbour Bank");
    struct span rest = {body.bytes + 8, body.length - 8};
    assert_int_equal(genesis_decode_participant(rest, &row), STATUS_OK);
    assert_int_equal(row.settles_through, 3);
    assert_int_equal(row.status, STANDING_ACTIVE);
    expect("{\"action\":\"participant\",\"participant\":{\"number\":3,\"name\":\"Harbour\","
           "\"roles\":[\"bank\"],\"status\":\"suspended\"}}",
           ACTION_PARTICIPANT, 144, "3 Harbour");
    assert_int_equal(get_le32(body.bytes + 8 + 136), STANDING_SUSPENDED);
    expect(
        "{\"action\":\"keys\",\"participant\":\"harbour-bank\",\"add\":[{\"key_no\":3,"
        "\"permissions\":[\"act\"],\"key\":\"$\"}],\"remove\":[2],\"permissions\":[{\"key_no\":1,"
        "\"permissions\":[\"submit\"]}]}",
        ACTION_KEYS, 8 + 3 * 48,
        "Harbour Bank: add key 3 act; remove key 2; permissions of key 1 submit");
    assert_int_equal(get_le32(body.bytes + 8), 3);
    assert_int_equal(get_le32(body.bytes + 12), 3);
    expect("{\"action\":\"standing\",\"participant\":4,\"status\":\"suspended\"}", ACTION_STANDING,
           8, "Lotus Bank: SUSPENDED");
}

static void test_rules(void **state)
{
    (void)state;
    expect("{\"action\":\"limit\",\"limit\":{\"participant\":\"lotus-bank\",\"currency\":\"CNY\","
           "\"cap\":12345,\"flags\":[\"covered\"]}}",
           ACTION_LIMIT, 16, "Lotus Bank: cap 123.45 CNY, covered");
    expect("{\"action\":\"service\",\"service\":{\"number\":3,\"name\":\"rural\",\"currency\":"
           "\"CNY\",\"mode\":\"deferred\",\"settlement\":\"external\",\"cutoffs\":[\"12:00\"],"
           "\"settlement_days\":1,\"settle_time\":\"09:00\"}}",
           ACTION_SERVICE, 8 + 56 + 2, "service 3 rural in CNY: 1 cut-offs, settlement day 1");
    assert_int_equal(get_le32(body.bytes + 8), 1);
    expect("{\"action\":\"service\",\"calendar\":{\"number\":1,\"name\":\"China\",\"weekend\":"
           "[\"saturday\",\"sunday\"],\"holidays\":[20260101],\"workdays\":[]}}",
           ACTION_SERVICE, 8 + 44 + 4, "calendar 1 China: 1 holidays, 0 workdays");
    assert_int_equal(get_le32(body.bytes + 8), 2);
    expect("{\"action\":\"scheme\",\"scheme\":{\"number\":6,\"name\":\"pairs\",\"service\":\"card "
           "clearing\",\"submitters\":[\"payer\",\"payee\"],\"confirmations\":2}}",
           ACTION_SCHEME, 80, "scheme 6 pairs in service 1: 2 confirmations");
    struct parameters usual = genesis_default_parameters();
    char text[2048];
    size_t used = (size_t)snprintf(text, sizeof text,
                                   "{\"action\":\"parameters\",\"parameters\":{\"queue_max\":9,"
                                   "\"queue_quota\":4,\"policies\":[");
    for (unsigned i = 0; i < POLICY_COUNT; i++) {
        static const char *const kinds[] = {"participant", "keys",   "standing",   "limit",
                                            "service",     "scheme", "parameters", "cycle"};
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "%s{\"kind\":\"%s\",\"approvals\":%u,\"proposers\":[\"operator\"],"
                                 "\"approvers\":[\"operator\"],\"lapse_s\":%u}",
                                 i > 0 ? "," : "", kinds[i], 2 + i, usual.policies[i].lapse_s);
    }
    (void)snprintf(text + used, sizeof text - used, "]}}");
    expect(text, ACTION_PARAMETERS, 144, "queue_max 9, queue_quota 4, fund_share_ppm 0");
}

static void test_cycles(void **state)
{
    (void)state;
    expect("{\"action\":\"cycle\",\"service\":\"card clearing\",\"cycle\":4,\"do\":\"close\"}",
           ACTION_CYCLE, 48, "close cycle 4 of service 1");
    expect("{\"action\":\"cycle\",\"service\":1,\"cycle\":4,\"do\":\"extend\",\"until\":"
           "\"2026-11-23T15:30:00Z\"}",
           ACTION_CYCLE, 48, "extend cycle 4 of service 1 until 2026-11-23T15:30:00");
    assert_true(get_le64(body.bytes + 16) == 1795447800000);
    expect(
        "{\"action\":\"cycle\",\"service\":1,\"cycle\":4,\"do\":\"confirm\",\"nets_hash\":\"$\"}",
        ACTION_CYCLE, 48, "confirm cycle 4 of service 1, nets_hash");
    expect("{\"action\":\"cycle\",\"service\":1,\"cycle\":4,\"do\":\"cancel\"}", ACTION_CYCLE, 48,
           "cancel cycle 4 of service 1");
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"{\"action\":\"party\"}", "expected validators, participant"},
        {"{\"action\":\"participant\"}", "participant: expected an object"},
        {"{\"action\":\"participant\",\"participant\":{\"number\":1}}", "participant.name"},
        {"{\"action\":\"participant\",\"participant\":{},\"why\":1}", "why: there is no such"},
        {"{\"action\":\"participant\",\"participant\":{\"status\":\"idle\"}}", "status"},
        {"{\"action\":\"keys\",\"participant\":3}", "1 to 16 changes"},
        {"{\"action\":\"keys\",\"participant\":3,\"add\":[{\"key_no\":1}]}", "add: permissions"},
        {"{\"action\":\"keys\",\"participant\":3,\"add\":[{\"key_no\":1,\"permissions\":[\"act\"],"
         "\"key\":\"00\"}]}",
         "add: key"},
        {"{\"action\":\"keys\",\"participant\":3,\"remove\":[0]}", "remove: key_no"},
        {"{\"action\":\"standing\",\"participant\":\"nobody\",\"status\":\"active\"}",
         "participant: expected a participant"},
        {"{\"action\":\"limit\",\"limit\":{\"participant\":3,\"currency\":\"USD\",\"cap\":1}}",
         "limit.currency"},
        {"{\"action\":\"scheme\",\"scheme\":{\"service\":\"no such\"}}", "service: expected"},
        {"{\"action\":\"cycle\",\"service\":1,\"cycle\":4,\"do\":\"open\"}", "do: expected"},
        {"{\"action\":\"cycle\",\"service\":1,\"cycle\":0,\"do\":\"close\"}", "cycle: expected"},
        {"{\"action\":\"cycle\",\"service\":1,\"cycle\":4,\"do\":\"extend\"}", "until: expected"},
        {"{\"action\":\"cycle\",\"service\":1,\"cycle\":4,\"do\":\"close\",\"nets_hash\":\"$\"}",
         "nets_hash: expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum status status = read_text(cases[i].text);
        print_message("%s\n", error);
        assert_int_equal(status, STATUS_MALFORMED);
        assert_int_equal(body.length, 0);
        assert_non_null(strstr(error, cases[i].told));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_participants_and_keys),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
