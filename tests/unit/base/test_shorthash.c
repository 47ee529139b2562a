/* test_shorthash: SipHash-2-4 against its authors' published vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/shorthash.h"

/* Goal: the reference vectors of Aumasson and Bernstein: key 0, 1 ... 15, data 0, 1 ... length - 1;
   their 8 bytes are read little-endian. */
static void published_vectors(void **state)
{
    (void)state;
    static const struct {
        size_t length;
        uint64_t hash;
    } vectors[] = {
        {0, 0x726fdb47dd0e0e31},  {1, 0x74f839c593dc67fd},  {7, 0xab0200f58b01d137},
        {8, 0x93f5f5799a932462},  {15, 0xa129ca6149be45e5}, {20, 0xbed65cf21aa2ee98},
        {63, 0x958a324ceb064572},
    };
    uint8_t key[SHORTHASH_KEY_BYTES];
    uint8_t data[64];
    for (unsigned i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)i;
        key[i % sizeof key] = (uint8_t)(i % sizeof key);
    }
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        assert_true(shorthash(key, data, vectors[i].length) == vectors[i].hash);
    }
}

/* Goal: each byte of the key matters. */
static void the_key_matters(void **state)
{
    (void)state;
    uint8_t key[SHORTHASH_KEY_BYTES] = {0};
    uint64_t plain = shorthash(key, "abc", 3);
    for (unsigned i = 0; i < sizeof key; i++) {
        key[i] = 1;
        assert_true(shorthash(key, "abc", 3) != plain);
        key[i] = 0;
    }
    assert_true(shorthash(key, "abc", 3) == plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(the_key_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
