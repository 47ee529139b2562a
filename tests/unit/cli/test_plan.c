/* test_plan: participants.json: the built-in plan is a whole genesis but for keys, the project's
   own file is read, and every mistake is told with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/names.h"
#include "cli/plan.h"
#include "node/genesis_file.h"

/* Goal: defaults make a network that can clear. */
static void built_in_plan_is_whole(void **state)
{
    (void)state;
    struct genesis genesis;
    char error[256] = "";
    assert_int_equal(plan_read(NULL, &genesis, error, sizeof error), STATUS_OK);
    assert_int_equal(genesis.participant_count, 10);
    assert_int_equal(genesis.limit_count, 10);
    assert_true(genesis.limits[0].cap == 100000000000ull);
    assert_int_equal(genesis.limits[0].flags, LIMIT_COVERED);
    assert_int_equal(genesis.services[0].cutoffs[0], 23 * 60);
    assert_int_equal(genesis.schemes[0].network, 2);
    assert_int_equal(genesis.schemes[0].submitters, SIDE_PAYEE | SIDE_NETWORK);
    assert_int_equal(genesis.schemes[4].service, 2);
    assert_int_equal(genesis.block_records, LIMIT_BLOCK_RECORDS);
    assert_int_equal(genesis.participants_max, 10 + 1024);
    assert_int_equal(genesis.services_max, 2 + 8);
    assert_int_equal(genesis.parameters.queue_max, LIMIT_QUEUE);
    assert_int_equal(genesis.parameters.policies[0].approvals, 2);
    assert_int_equal(genesis.parameters.policies[4].approvals, 3);
    assert_int_equal(genesis.parameters.policies[7].proposers, ROLE_OPERATOR | ROLE_AGENT);
    assert_int_equal(genesis.schemes[0].chargeback_s, 120 * 86400);
    assert_int_equal(genesis.schemes[0].fee_rule_count, 3);
    assert_true(genesis.schemes[0].fee_rules[2].cap == 325);
    genesis_free(&genesis);
}

/* Goal: the file that scripts/testnet uses is read, and its names are unambiguous. */
static void own_file_is_read(void **state)
{
    (void)state;
    struct genesis genesis;
    char error[256] = "";
    enum status status =
        plan_read(HEFU_SOURCE_DIR "/tests/data/participants.json", &genesis, error, sizeof error);
    print_message("%s\n", error);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(genesis.participant_count, 610);
    struct names *names = names_new(&genesis);
    for (uint32_t i = 0; i < genesis.participant_count; i++) {
        const struct genesis_participant *own = &genesis.participants[i];
        const char *words[] = {own->name, own->bic, own->clearing_code};
        for (unsigned k = 0; k < 3; k++) {
            uint32_t number = 0;
            assert_int_equal(names_participant(names, words[k], &number), STATUS_OK);
            assert_int_equal(number, own->number);
        }
    }
    names_free(names);
    genesis_free(&genesis);
}

#define CURRENCY "\"currencies\":[{\"code\":\"CNY\",\"numeric\":156,\"decimals\":2}]"

/* Goal: each mistake is refused, and the error names where it is. */
static void mistakes_are_placed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"", "not JSON"},
        {"[]", "object"},
        {"{\"colour\":1}", "colour"},
        {"{}", "at least one"},
        {"{\"network\":5}", "network"},
        {"{\"network\":\"a name that is longer than thirty-one bytes\"}", "31 bytes"},
        {"{\"a\":1,\"a\":1}", "duplicate"},
        {"{" CURRENCY ",\"participants\":{}}", "participants"},
        {"{" CURRENCY ",\"participants\":[{\"number\":0,\"name\":\"A\"}]}",
         "participants[0].number"},
        {"{" CURRENCY ",\"participants\":[{\"number\":1,\"name\":\"A\",\"roles\":[\"KING\"]}]}",
         "participants[0].roles"},
        {"{" CURRENCY ",\"participants\":[{\"number\":1,\"name\":\"A\",\"limits\":"
         "[{\"currency\":\"CNY\",\"cap\":\"1.234\"}]}]}",
         "participants[0].limits[0].cap"},
        {"{" CURRENCY ",\"participants\":[{\"number\":1,\"name\":\"A\",\"limits\":"
         "[{\"currency\":\"USD\",\"cap\":\"1\"}]}]}",
         "participants[0].limits[0].currency"},
        {"{" CURRENCY ",\"participants\":[{\"number\":1,\"name\":\"A\"}],\"services\":"
         "[{\"number\":1,\"name\":\"s\",\"currency\":\"CNY\",\"cutoffs\":[\"24:00\"]}]}",
         "services[0].cutoffs"},
        {"{" CURRENCY ",\"participants\":[{\"number\":1,\"name\":\"A\"}],\"services\":"
         "[{\"number\":1,\"name\":\"s\",\"currency\":\"CNY\",\"cutoffs\":[\"+9:+8\"]}]}",
         "services[0].cutoffs"},
        {"{" CURRENCY ",\"participants\":[{\"number\":1,\"name\":\"A\"}],\"services\":"
         "[{\"number\":1,\"name\":\"s\",\"currency\":\"CNY\",\"mode\":\"FAST\"}]}",
         "services[0].mode"},
        {"{" CURRENCY ",\"participants\":[{\"number\":1,\"name\":\"A\"}],\"schemes\":"
         "[{\"number\":1,\"name\":\"s\",\"service\":7}]}",
         "schemes[0].service"},
        {"{" CURRENCY ",\"participants\":[{\"number\":1,\"name\":\"A\","
         "\"settles_through\":\"B\"}]}",
         "participants[0].settles_through"},
        {"{" CURRENCY ",\"participants\":[{\"number\":1,\"name\":\"A\"}],\"calendars\":"
         "[{\"number\":1,\"name\":\"c\",\"weekend\":[\"noday\"]}]}",
         "calendars[0].weekend"},
        {"{" CURRENCY ",\"participants\":[{\"number\":1,\"name\":\"A\"}],\"parameters\":"
         "{\"policies\":[{\"kind\":\"vote\"}]}}",
         "parameters.policies[0].kind"},
        {"{" CURRENCY ",\"participants\":[{\"number\":1,\"name\":\"A\"}],\"services\":"
         "[{\"number\":1,\"name\":\"s\",\"currency\":\"CNY\"}],\"schemes\":[{\"number\":1,"
         "\"name\":\"p\",\"service\":1,\"fee_rules\":[{\"fee\":\"interchange\","
         "\"from_date\":20260101,"
         "\"rate_ppm\":1,\"cap\":\"1.001\"}]}]}",
         "schemes[0].fee_rules[0].cap"},
        {"{\"network\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "deeper"},
        {"{\"network\":\"a\",\"network\":\"b\"}", "plan:1:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct genesis genesis;
        char error[256] = "";
        enum status status = plan_text_read(cases[i].text, strlen(cases[i].text), "plan", &genesis,
                                            error, sizeof error);
        print_message("%s\n", error);
        assert_int_equal(status, STATUS_MALFORMED);
        assert_non_null(strstr(error, cases[i].place));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_plan_is_whole),
        cmocka_unit_test(own_file_is_read),
        cmocka_unit_test(mistakes_are_placed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
