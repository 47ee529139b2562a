/*
 * The documents of a network beside each other (node/lineage_file.h): read as a whole, in their
 * order, or refused with the file and what to do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/genesis_file.h"
#include "node/keys.h"
#include "node/lineage_file.h"
#include "node/noise.h"
#include "tests/support/folder.h"

static struct folder folder;
static char error[2048];

static struct public_key signing_public(uint8_t number)
{
    uint8_t seed[32] = {number};
    struct signing_key *key = signing_key_from_seed(seed);
    assert_non_null(key);
    const struct public_key public_key = *signing_key_public(key);
    signing_key_free(key);
    return public_key;
}

/* The document of an incarnation that continues a chain, with a validator's key of this number. */
static struct hash put(const char *name, uint32_t incarnation, const struct hash *chain_id,
                       uint8_t number)
{
    struct genesis_currency currency = {156, 2, "CNY"};
    struct genesis_participant bank = {
        .number = 1, .roles = ROLE_BANK, .name = "bank", .status = STANDING_ACTIVE};
    struct genesis_validator validator = {.participant = 1, .name = "node-0"};
    struct genesis genesis = {.network = "a lineage",
                              .created_ms = 1767225600000 + incarnation,
                              .incarnation = incarnation,
                              .delta_ms = 400,
                              .empty_interval_ms = 30000,
                              .block_records = 1000,
                              .participants_max = 1,
                              .parameters = genesis_default_parameters(),
                              .currency_count = 1,
                              .participant_count = 1,
                              .validator_count = 1,
                              .currencies = &currency,
                              .participants = &bank,
                              .validators = &validator};
    const uint8_t secret[NOISE_KEY_BYTES] = {0, 7};
    struct noise_key_pair pair;
    assert_int_equal(noise_key_pair_from_secret(secret, &pair), STATUS_OK);
    validator.transport_key = pair.public_key;
    validator.key = signing_public(number);
    if (incarnation > 0) {
        genesis.root_chain_id = *chain_id;
        memset(genesis.root_hash.bytes, 0x55, HASH_BYTES);
        genesis.root_height = 100 * incarnation;
        genesis.root_epoch = incarnation;
    }
    const enum status status =
        genesis_file_write(folder_file(&folder, name), &genesis, error, sizeof error);
    if (status != STATUS_OK) {
        fail_msg("%s", error);
    }
    return genesis_file_chain_id(&genesis);
}

/* Three documents, the newest as genesis.json. */
static struct hash put_three(struct hash ret_ids[3])
{
    ret_ids[0] = put("genesis.0.json", 0, NULL, 1);
    ret_ids[1] = put("genesis.1.json", 1, &ret_ids[0], 2);
    ret_ids[2] = put("genesis.json", 2, &ret_ids[1], 3);
    return ret_ids[2];
}

static void refuse(enum status expected, const char *needle)
{
    static struct lineage_file file;
    error[0] = '\0';
    assert_int_equal(
        lineage_file_read(folder_file(&folder, "genesis.json"), &file, error, sizeof error),
        expected);
    if (strstr(error, needle) == NULL) {
        fail_msg("expected \"%s\" in \"%s\"", needle, error);
    }
    lineage_file_free(&file);
}

/* Goal: one document is a lineage of one; three are read in their order, each with its chain id. */
static void test_read(void **state)
{
    (void)state;
    static struct lineage_file file;
    struct hash ids[3];
    const char *path = folder_file(&folder, "genesis.json");
    ids[0] = put("genesis.json", 0, NULL, 1);
    assert_int_equal(lineage_file_read(path, &file, error, sizeof error), STATUS_OK);
    assert_int_equal(file.lineage.count, 1);
    assert_true(hash_equal(&lineage_first(&file.lineage)->chain_id, &ids[0]));
    lineage_file_free(&file);
    (void)put_three(ids);
    assert_int_equal(lineage_file_read(path, &file, error, sizeof error), STATUS_OK);
    assert_int_equal(file.lineage.count, 3);
    for (uint32_t k = 0; k < 3; k++) {
        assert_int_equal(file.lineage.incarnations[k].genesis->incarnation, k);
        assert_true(hash_equal(&file.lineage.incarnations[k].chain_id, &ids[k]));
    }
    lineage_file_free(&file);
    assert_int_equal(lineage_file_read_newest(path, &file, error, sizeof error), STATUS_OK);
    assert_int_equal(file.lineage.count, 1);
    assert_true(hash_equal(&lineage_newest(&file.lineage)->chain_id, &ids[2]));
    lineage_file_free(&file);
    char derived[64];
    assert_int_equal(lineage_file_path("a/b.json", 12, derived, sizeof derived), STATUS_OK);
    assert_string_equal(derived, "a/b.12.json");
    assert_int_equal(lineage_file_path("a/b", 1, derived, sizeof derived), STATUS_OK);
    assert_string_equal(derived, "a/b.1.json");
    assert_int_equal(lineage_file_path("a/b", 1, derived, 9), STATUS_OVERSIZED);
}

/* Goal: what is missing, exchanged or changed is named, with the file and what to do. */
static void test_refused(void **state)
{
    (void)state;
    struct hash ids[3];
    const struct hash newest = put_three(ids);
    assert_int_equal(unlink(folder_file(&folder, "genesis.1.json")), 0);
    refuse(STATUS_NOT_FOUND, "genesis.1.json: there is no such file");
    refuse(STATUS_NOT_FOUND, "copy it from another node");
    /* A file of another incarnation under the name. */
    (void)put("genesis.1.json", 0, NULL, 1);
    refuse(STATUS_MALFORMED, "where the document of incarnation 1 stands");
    /* Another incarnation 1 than the newest continues. */
    (void)put("genesis.1.json", 1, &ids[0], 4);
    refuse(STATUS_MALFORMED, "incarnation 2: root.chain_id");
    /* A key that was there before. */
    ids[1] = put("genesis.1.json", 1, &ids[0], 2);
    (void)put("genesis.json", 2, &ids[1], 1);
    refuse(STATUS_MALFORMED, "validators[0].key");
    file_put_text(folder_file(&folder, "genesis.0.json"), "{");
    refuse(STATUS_MALFORMED, "genesis.0.json:1:");
    (void)put("genesis.0.json", 0, NULL, 1);
    (void)put("genesis.json", 16, &newest, 9);
    refuse(STATUS_MALFORMED, "incarnation: 16 is above 15");
    assert_int_equal(unlink(folder_file(&folder, "genesis.json")), 0);
    refuse(STATUS_NOT_FOUND, "genesis.json");
}

static int setup(void **state)
{
    (void)state;
    assert_true(sodium_init() >= 0);
    folder_make(&folder);
    return 0;
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
        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
