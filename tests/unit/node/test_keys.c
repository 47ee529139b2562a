/*
 * Keys (node/keys.h): what is signed verifies and nothing else does; the published edge cases;
 * key files and passphrases, whole, damaged, mistaken for one another, open to others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "node/keys.h"
#include "node/passphrase.h"
#include "tests/support/folder.h"

#define ERROR_BYTES 512

static struct folder folder;
static char error[ERROR_BYTES];
static const struct key_cost fast = {1, 16u << 10};

static struct passphrase *phrase(const char *text)
{
    struct passphrase *passphrase = passphrase_new(text, strlen(text));
    assert_non_null(passphrase);
    return passphrase;
}

/* Goal: a signature holds for its key and its bytes alone. */
static void test_sign_and_verify(void **state)
{
    (void)state;
    struct signing_key *key = signing_key_new();
    struct signing_key *other = signing_key_new();
    struct signature signature;
    char message[] = "a vote";
    assert_non_null(key);
    assert_non_null(other);
    key_sign(key, message, sizeof message, &signature);
    assert_true(key_verify(signing_key_public(key), message, sizeof message, &signature));
    assert_false(key_verify(signing_key_public(other), message, sizeof message, &signature));
    assert_false(key_verify(signing_key_public(key), message, sizeof message - 1, &signature));
    message[0] ^= 1;
    assert_false(key_verify(signing_key_public(key), message, sizeof message, &signature));
    message[0] ^= 1;
    signature.bytes[40] ^= 1;
    assert_false(key_verify(signing_key_public(key), message, sizeof message, &signature));
    assert_true(key_public_is_valid(signing_key_public(key)));
    signing_key_free(key);
    signing_key_free(other);
}

/* Goal: RFC 8032, section 7.1, test 1: our seeds and signatures are everybody's. */
static void test_rfc_8032(void **state)
{
    (void)state;
    uint8_t seed[32];
    struct public_key expected;
    struct signature signature;
    struct signature expected_signature;
    assert_int_equal(
        bytes_from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", 32,
                       seed),
        STATUS_OK);
    assert_int_equal(
        bytes_from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 32,
                       expected.bytes),
        STATUS_OK);
    assert_int_equal(
        bytes_from_hex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                       "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
                       64, expected_signature.bytes),
        STATUS_OK);
    struct signing_key *key = signing_key_from_seed(seed);
    assert_memory_equal(signing_key_public(key), &expected, sizeof expected);
    key_sign(key, "", 0, &signature);
    assert_memory_equal(&signature, &expected_signature, sizeof signature);
    signing_key_free(key);
}

/* Goal: of the published edge cases exactly the fourth verifies, here and in the boot check. */
static void test_speccheck(void **state)
{
    (void)state;
    json_error_t json_error;
    json_t *cases = json_load_file(HEFU_SOURCE_DIR "/tests/vectors/ed25519/speccheck_cases.json", 0,
                                   &json_error);
    assert_non_null(cases);
    assert_int_equal(json_array_size(cases), 12);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *entry = json_array_get(cases, i);
        const char *text = json_string_value(json_object_get(entry, "message"));
        uint8_t message[64];
        struct public_key key;
        struct signature signature;
        size_t length = strlen(text) / 2;
        assert_true(length <= sizeof message);
        assert_int_equal(bytes_from_hex(text, length, message), STATUS_OK);
        assert_int_equal(bytes_from_hex(json_string_value(json_object_get(entry, "pub_key")),
                                        sizeof key.bytes, key.bytes),
                         STATUS_OK);
        assert_int_equal(bytes_from_hex(json_string_value(json_object_get(entry, "signature")),
                                        sizeof signature.bytes, signature.bytes),
                         STATUS_OK);
        assert_int_equal(key_verify(&key, message, length, &signature), i == 3);
        /* Keys of small or mixed order may not enter genesis; 6 and 7 are S too large, a good key.
         */
        assert_int_equal(key_public_is_valid(&key), i == 6 || i == 7);
    }
    json_decref(cases);
    assert_int_equal(key_self_test(), STATUS_OK);
}

/* Goal: transport keys of low order are known for what they are. */
static void test_transport_points(void **state)
{
    (void)state;
    struct transport_key low = {{0}};
    struct noise_key_pair *pair = transport_pair_new();
    assert_non_null(pair);
    assert_true(key_transport_is_valid(&pair->public_key));
    assert_false(key_transport_is_valid(&low));
    low.bytes[0] = 1;
    assert_false(key_transport_is_valid(&low));
    assert_int_equal(
        bytes_from_hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", 32,
                       low.bytes),
        STATUS_OK);
    assert_false(key_transport_is_valid(&low));
    transport_pair_free(pair);
}

/* Goal: a written key comes back, and only once can a path be used. */
static void test_files(void **state)
{
    (void)state;
    struct passphrase *passphrase = phrase("correct horse");
    const char *path = folder_file(&folder, "consensus.key");
    struct signing_key *key = signing_key_new();
    struct signing_key *again;
    struct key_file_info info;
    struct stat file;
    assert_int_equal(key_file_write_signing(path, key, passphrase, &fast, error, sizeof error),
                     STATUS_OK);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    assert_int_equal(file.st_size, KEY_FILE_BYTES);
    assert_int_equal(key_file_inspect(path, &info, error, sizeof error), STATUS_OK);
    assert_int_equal(info.kind, KEY_SIGNING);
    assert_memory_equal(info.public_key, signing_key_public(key), 32);
    assert_int_equal(info.cost.memory_bytes, fast.memory_bytes);
    assert_int_equal(key_file_read_signing(path, passphrase, &again, error, sizeof error),
                     STATUS_OK);
    assert_memory_equal(signing_key_public(again), signing_key_public(key), 32);
    signing_key_free(again);
    assert_int_equal(key_file_write_signing(path, key, passphrase, &fast, error, sizeof error),
                     STATUS_EXISTS);
    assert_non_null(strstr(error, path));
    signing_key_free(key);
    passphrase_free(passphrase);
}

static void test_transport_file(void **state)
{
    (void)state;
    struct passphrase *passphrase = phrase("p");
    const char *path = folder_file(&folder, "transport.key");
    struct noise_key_pair *pair = transport_pair_new();
    struct noise_key_pair *again;
    struct signing_key *wrong;
    assert_int_equal(key_file_write_transport(path, pair, passphrase, &fast, error, sizeof error),
                     STATUS_OK);
    assert_int_equal(key_file_read_transport(path, passphrase, &again, error, sizeof error),
                     STATUS_OK);
    assert_memory_equal(again, pair, sizeof *pair);
    /* One kind is never taken for the other. */
    assert_int_equal(key_file_read_signing(path, passphrase, &wrong, error, sizeof error),
                     STATUS_MALFORMED);
    assert_non_null(strstr(error, "transport"));
    transport_pair_free(again);
    transport_pair_free(pair);
    passphrase_free(passphrase);
}

static enum status read_again(const char *path, const struct passphrase *passphrase)
{
    struct signing_key *key = NULL;
    memset(error, 0, sizeof error);
    enum status status = key_file_read_signing(path, passphrase, &key, error, sizeof error);
    if (status == STATUS_OK) {
        signing_key_free(key);
    } else {
        assert_non_null(strstr(error, path));
    }
    return status;
}

/* Goal: a wrong passphrase, any flipped byte and any other length are noticed. */
static void test_damaged_files(void **state)
{
    (void)state;
    struct passphrase *right = phrase("right");
    struct passphrase *wrong = phrase("wrong");
    const char *path = folder_file(&folder, "damaged.key");
    struct signing_key *key = signing_key_new();
    uint8_t whole[KEY_FILE_BYTES + 1] = {0};
    assert_int_equal(key_file_write_signing(path, key, right, &fast, error, sizeof error),
                     STATUS_OK);
    assert_int_equal(file_get(path, whole, sizeof whole), KEY_FILE_BYTES);
    assert_int_equal(read_again(path, wrong), STATUS_BAD_KEY);
    for (size_t at = 0; at < KEY_FILE_BYTES; at++) {
        whole[at] ^= 1;
        file_put(path, whole, KEY_FILE_BYTES, 0600);
        assert_int_not_equal(read_again(path, right), STATUS_OK);
        whole[at] ^= 1;
    }
    file_put(path, whole, KEY_FILE_BYTES - 1, 0600);
    assert_int_equal(read_again(path, right), STATUS_MALFORMED);
    file_put(path, whole, KEY_FILE_BYTES + 1, 0600);
    assert_int_equal(read_again(path, right), STATUS_MALFORMED);
    file_put(path, whole, 0, 0600);
    assert_int_equal(read_again(path, right), STATUS_MALFORMED);
    file_put(path, whole, KEY_FILE_BYTES, 0600);
    assert_int_equal(read_again(path, right), STATUS_OK);
    assert_int_equal(read_again(folder_file(&folder, "absent.key"), right), STATUS_NOT_FOUND);
    signing_key_free(key);
    passphrase_free(right);
    passphrase_free(wrong);
}

/* Goal: a file cannot ask for all memory, and is not used while others may read it. */
static void test_hostile_cost_and_mode(void **state)
{
    (void)state;
    struct passphrase *passphrase = phrase("x");
    const char *path = folder_file(&folder, "hostile.key");
    struct signing_key *key = signing_key_new();
    uint8_t whole[KEY_FILE_BYTES];
    assert_int_equal(key_file_write_signing(path, key, passphrase, &fast, error, sizeof error),
                     STATUS_OK);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(read_again(path, passphrase), STATUS_DENIED);
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(read_again(path, passphrase), STATUS_OK);
    assert_int_equal(file_get(path, whole, sizeof whole), KEY_FILE_BYTES);
    assert_int_equal(chmod(path, 0600), 0);
    put_le64(whole + 16, 1ull << 40);
    file_put(path, whole, sizeof whole, 0600);
    assert_int_equal(read_again(path, passphrase), STATUS_MALFORMED);
    put_le64(whole + 16, fast.memory_bytes);
    put_le32(whole + 12, 1u << 30);
    file_put(path, whole, sizeof whole, 0600);
    assert_int_equal(read_again(path, passphrase), STATUS_MALFORMED);
    put_le32(whole + 12, fast.passes);
    put_le16(whole + 8, 2);
    file_put(path, whole, sizeof whole, 0600);
    assert_int_equal(read_again(path, passphrase), STATUS_VERSION);
    signing_key_free(key);
    passphrase_free(passphrase);
}

/* Goal: passphrase files: one line, private; each mistake has its own words. */
static void test_passphrase_files(void **state)
{
    (void)state;
    const char *path = folder_file(&folder, "passphrase");
    struct passphrase *passphrase;
    static char long_line[PASSPHRASE_BYTES_MAX + 2];
    file_put(path, "secret words\r\n", 14, 0600);
    assert_int_equal(passphrase_get(path, "", &passphrase, error, sizeof error), STATUS_OK);
    assert_int_equal(passphrase->length, 12);
    assert_memory_equal(passphrase->bytes, "secret words", 12);
    passphrase_free(passphrase);
    file_put(path, "x", 1, 0440); /* as systemd hands it over */
    assert_int_equal(passphrase_from_file(path, &passphrase, error, sizeof error), STATUS_OK);
    assert_int_equal(passphrase->length, 1);
    passphrase_free(passphrase);
    assert_int_equal(chmod(path, 0600), 0);
    file_put(path, "\n", 1, 0600);
    assert_int_equal(passphrase_from_file(path, &passphrase, error, sizeof error),
                     STATUS_MALFORMED);
    file_put(path, "x\n", 2, 0604);
    assert_int_equal(passphrase_from_file(path, &passphrase, error, sizeof error), STATUS_DENIED);
    memset(long_line, 'a', sizeof long_line);
    file_put(path, long_line, PASSPHRASE_BYTES_MAX + 1, 0600);
    assert_int_equal(passphrase_from_file(path, &passphrase, error, sizeof error),
                     STATUS_MALFORMED);
    file_put(path, long_line, PASSPHRASE_BYTES_MAX, 0600);
    assert_int_equal(passphrase_from_file(path, &passphrase, error, sizeof error), STATUS_OK);
    passphrase_free(passphrase);
    assert_int_equal(passphrase_from_file(folder.path, &passphrase, error, sizeof error),
                     STATUS_MALFORMED);
    assert_int_equal(
        passphrase_from_file(folder_file(&folder, "none"), &passphrase, error, sizeof error),
        STATUS_NOT_FOUND);
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
        cmocka_unit_test(test_sign_and_verify),
        cmocka_unit_test(test_rfc_8032),
        cmocka_unit_test(test_speccheck),
        cmocka_unit_test(test_transport_points),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_transport_file),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_hostile_cost_and_mode),
        cmocka_unit_test(test_passphrase_files),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
