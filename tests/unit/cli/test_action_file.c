/*
 * test_action_file: a change of validators as people write it: what is right becomes the action,
 * what is not is told with its place (docs/integrating.md, Actions).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "cli/action_file.h"
#include "cli/plan.h"
#include "node/genesis_file.h"
#include "node/keys.h"

static struct genesis genesis;
static struct names *names;
static struct roster roster;
static char key_text[2][65];       /* valid consensus keys */
static char transport_text[2][65]; /* valid transport keys */

static int start(void **state)
{
    (void)state;
    char error[256];
    if (sodium_init() < 0 || plan_read(NULL, &genesis, error, sizeof error) != STATUS_OK) {
        return -1;
    }
    names = names_new(&genesis);
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t seed[32] = {(uint8_t)(i + 1)};
        struct signing_key *key = signing_key_from_seed(seed);
        bytes_to_hex(signing_key_public(key)->bytes, 32, key_text[i]);
        signing_key_free(key);
        const uint8_t point[32] = {(uint8_t)(9 + i)};
        bytes_to_hex(point, 32, transport_text[i]);
    }
    roster = (struct roster){.epoch = 4, .count = 3};
    for (uint32_t i = 0; i < 3; i++) {
        roster.members[i].validator.key.bytes[0] = (uint8_t)(0x50 + i);
        (void)snprintf(roster.members[i].name, sizeof roster.members[i].name, "node-%u",
                       i < 2 ? i : 1);
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    names_free(names);
    genesis_free(&genesis);
    return 0;
}

/* $k, $l: keys; $t, $u: transport keys. */
static enum status read_text(const char *pattern, const struct roster *set, struct action *action,
                             char error[512])
{
    char text[4096];
    size_t used = 0;
    for (const char *at = pattern; *at != '\0'; at++) {
        const char *word = NULL;
        if (*at == '$') {
            at++;
            word = *at == 'k'   ? key_text[0]
                   : *at == 'l' ? key_text[1]
                   : *at == 't' ? transport_text[0]
                                : transport_text[1];
        }
        used += (size_t)snprintf(text + used, sizeof text - used, word != NULL ? "%s" : "%.1s",
                                 word != NULL ? word : at);
    }
    error[0] = '\0';
    return action_text_read(text, used, "f.json", names, set, action, error, 512);
}

static void test_whole_change(void **state)
{
    (void)state;
    struct action action;
    char error[512];
    enum status status =
        read_text("{\"action\":\"validators\","
                  "\"add\":[{\"name\":\"new\",\"participant\":\"jade-river-bank\",\"key\":\"$k\","
                  "\"transport_key\":\"$t\"}],"
                  "\"remove\":[{\"name\":\"node-0\"}],"
                  "\"replace\":[{\"key\":\"$k\",\"new_key\":\"$l\",\"new_transport_key\":\"$u\"}]}",
                  &roster, &action, error);
    assert_string_equal(error, "");
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(action.kind, ACTION_VALIDATORS);
    assert_int_equal(action.epoch, 4);
    assert_int_equal(action.change_count, 3);
    assert_int_equal(action.changes[0].op, CHANGE_REPLACE);
    assert_int_equal(action.changes[1].op, CHANGE_REMOVE);
    assert_int_equal(action.changes[1].old_key.bytes[0], 0x50);
    assert_int_equal(action.changes[2].op, CHANGE_ADD);
    assert_int_equal(action.changes[2].participant, 5);
    assert_string_equal(action.changes[2].name, "new");
    /* What is read is what the network takes: the bytes decode. */
    uint8_t bytes[ACTION_BYTES_MAX];
    struct writer writer = writer_over(bytes, sizeof bytes);
    struct action decoded;
    action_encode(&action, &writer);
    assert_int_equal(action_decode((struct span){bytes, writer.used}, &decoded), STATUS_OK);
    assert_memory_equal(&decoded, &action, sizeof action);
}

static void test_without_a_home(void **state)
{
    (void)state;
    struct action action;
    char error[512];
    assert_int_equal(read_text("{\"action\":\"validators\",\"remove\":[{\"key\":\"$k\"}]}", NULL,
                               &action, error),
                     STATUS_OK);
    assert_int_equal(action.epoch, 0);
    assert_int_equal(read_text("{\"action\":\"validators\",\"epoch\":7,"
                               "\"remove\":[{\"key\":\"$k\"}]}",
                               NULL, &action, error),
                     STATUS_OK);
    assert_int_equal(action.epoch, 7);
}

static const struct {
    const char *text;
    const char *told;
} MISTAKES[] = {
    {"{", "f.json:1:"},
    {"[]", "\"action\": \"validators\""},
    {"{\"action\":\"validators\"}", "nothing to add"},
    {"{\"action\":\"validators\",\"remove\":{}}", "\"remove\" is not a list"},
    {"{\"action\":\"validators\",\"remove\":[7]}", "remove[0]: is not an object"},
    {"{\"action\":\"validators\",\"epoch\":0,\"remove\":[{\"name\":\"node-0\"}]}", "from 1"},
    {"{\"action\":\"validators\",\"drop\":[]}",
     "\"drop\" is not one of action epoch add remove replace"},
    {"{\"action\":\"validators\",\"remove\":[{\"name\":\"node-9\"}]}", "no validator"},
    {"{\"action\":\"validators\",\"remove\":[{\"name\":\"node-1\"}]}", "more than one"},
    {"{\"action\":\"validators\",\"remove\":[{}]}", "either"},
    {"{\"action\":\"validators\",\"remove\":[{\"name\":\"node-0\",\"key\":\"$k\"}]}", "either"},
    {"{\"action\":\"validators\",\"remove\":[{\"key\":\"12\"}]}", "64 hexadecimal"},
    {"{\"action\":\"validators\",\"add\":[{\"name\":\"\",\"participant\":5,\"key\":\"$k\","
     "\"transport_key\":\"$t\"}]}",
     "\"name\""},
    {"{\"action\":\"validators\",\"add\":[{\"name\":\"a\\u0007\",\"participant\":5,\"key\":\"$k\","
     "\"transport_key\":\"$t\"}]}",
     "control"},
    {"{\"action\":\"validators\",\"add\":[{\"name\":\"a\",\"participant\":99,\"key\":\"$k\","
     "\"transport_key\":\"$t\"}]}",
     "participant"},
    {"{\"action\":\"validators\",\"add\":[{\"name\":\"a\",\"participant\":5,\"key\":"
     "\"0000000000000000000000000000000000000000000000000000000000000000\","
     "\"transport_key\":\"$t\"}]}",
     "Ed25519"},
    {"{\"action\":\"validators\",\"add\":[{\"name\":\"a\",\"participant\":5,\"key\":\"$k\","
     "\"transport_key\":"
     "\"0000000000000000000000000000000000000000000000000000000000000000\"}]}",
     "X25519"},
};

static void test_mistakes(void **state)
{
    (void)state;
    struct action action;
    char error[512];
    for (size_t i = 0; i < sizeof MISTAKES / sizeof MISTAKES[0]; i++) {
        assert_int_equal(read_text(MISTAKES[i].text, &roster, &action, error), STATUS_MALFORMED);
        if (strstr(error, MISTAKES[i].told) == NULL) {
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, error, MISTAKES[i].told);
        }
    }
    assert_int_equal(read_text("{\"action\":\"validators\",\"remove\":[{\"name\":\"node-0\"}]}",
                               NULL, &action, error),
                     STATUS_MALFORMED);
    assert_non_null(strstr(error, "--home"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_change),
        cmocka_unit_test(test_without_a_home),
        cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
