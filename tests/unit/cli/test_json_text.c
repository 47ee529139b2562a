/*
 * test_json_text: what is no JSON, has a key twice, or stands too deep is refused with its place or
 * its reason, before anything is made of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/json_text.h"

static enum status read_text(const char *text, char error[256])
{
    json_t *root = NULL;
    error[0] = '\0';
    const enum status status = json_text_read(text, strlen(text), "file.json", &root, error, 256);
    json_decref(root);
    return status;
}

static void good_texts_are_read(void **state)
{
    char error[256];
    (void)state;
    assert_int_equal(read_text("{\"a\": [1, 2, {\"b\": \"[[[[[[[[[[[[[[[[[[[[\"}]}", error),
                     STATUS_OK);
    assert_int_equal(read_text("{\"a\": \"\\\"[[[[[[[[[[[[[[[[[[[[[[\\\\\"}", error), STATUS_OK);
}

static void bad_texts_are_refused(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "file.json:1:0: not JSON"},
        {"{\"a\": 1,\n \"a\": 2}", "file.json:2:"},
        {"{\"a\": 1} x", "file.json:1:"},
        {"{\"a\": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "file.json: lists or objects stand deeper"},
    };
    char error[256];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(read_text(cases[i].text, error), STATUS_MALFORMED);
        assert_memory_equal(error, cases[i].words, strlen(cases[i].words));
    }
    /* As deep as a file may be made, without the parser that would go down there. */
    char *deep = malloc(1u << 20);
    assert_non_null(deep);
    memset(deep, '[', (1u << 20) - 1);
    deep[(1u << 20) - 1] = '\0';
    assert_int_equal(read_text(deep, error), STATUS_MALFORMED);
    free(deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_are_read),
        cmocka_unit_test(bad_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
