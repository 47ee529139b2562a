/*
 * config.ini and client.ini (node/config.h): what is written is read back; every slip is an error
 * with file, line and what was expected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "node/config.h"
#include "tests/support/folder.h"

static struct folder folder;
static char error[1024];

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define GOOD                                                                                       \
    "[node]\nvalidator = bank-a\nlisten = tcp://127.0.0.1:7000\n"                                  \
    "[keys]\nconsensus = keys/consensus.key\ntransport = /etc/hefu/transport.key\n"

static enum status read_text(const char *text, struct config *ret_config)
{
    file_put_text(folder_file(&folder, "config.ini"), text);
    memset(error, 0, sizeof error);
    return config_read(folder.path, ret_config, error, sizeof error);
}

/* Goal: defaults, and paths relative to the home. */
static void test_small(void **state)
{
    (void)state;
    struct config config;
    char path[CONFIG_PATH_MAX];
    assert_int_equal(read_text(GOOD, &config), STATUS_OK);
    assert_int_equal(config.role, NODE_VALIDATOR);
    assert_string_equal(config.validator, "bank-a");
    assert_int_equal(config.map_bytes, 256ull << 30);
    assert_int_equal(config.log_level, LOG_LEVEL_INFO);
    assert_int_equal(config.verify_threads, 0);
    assert_int_equal(config.pool_bytes, LIMIT_POOL_BYTES);
    (void)snprintf(path, sizeof path, "%s/keys/consensus.key", folder.path);
    assert_string_equal(config.consensus_key, path);
    (void)snprintf(path, sizeof path, "%s/keys/consensus.key.register", folder.path);
    assert_string_equal(config.register_path, path);
    assert_string_equal(config.transport_key, "/etc/hefu/transport.key");
    assert_string_equal(config.passphrase_file, "");
    (void)snprintf(path, sizeof path, "%s/genesis.json", folder.path);
    assert_string_equal(config.genesis_path, path);
}

/* Goal: comments, sizes, lists, and an observer without a consensus key. */
static void test_whole(void **state)
{
    (void)state;
    struct config config;
    assert_int_equal(
        read_text("; a comment\n# another\n[node]\nrole = observer\nlisten=tcp://[::1]:7\n"
                  "map_size = 2T\nlog_level = debug\nverify_threads = 3 ; of four\n"
                  "[keys]\ntransport = t\npassphrase_file = p\n[limits]\npool_bytes = 64M\n"
                  "[peers]\nbank-a = tcp://10.0.0.1:7000\nbank-b = tcp://b.example:7000\n"
                  "[observers]\nwatcher = "
                  "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
                  "[operators]\nops = "
                  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
                  &config),
        STATUS_OK);
    assert_int_equal(config.role, NODE_OBSERVER);
    assert_int_equal(config.map_bytes, 2ull << 40);
    assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(config.verify_threads, 3);
    assert_int_equal(config.pool_bytes, 64u << 20);
    assert_int_equal(config.peer_count, 2);
    assert_string_equal(config.peers[1].name, "bank-b");
    assert_string_equal(config.peers[1].url, "tcp://b.example:7000");
    assert_int_equal(config.observer_count, 1);
    assert_string_equal(config.observers[0].name, "watcher");
    assert_int_equal(config.observers[0].key.bytes[0], 0xff);
    assert_int_equal(config.operator_count, 1);
    assert_int_equal(config.operators[0].key.bytes[1], 0x11);
    assert_string_equal(config.register_path, "");
}

/* Goal: the next key has a register of its own beside it. */
static void test_next_key(void **state)
{
    (void)state;
    struct config config;
    assert_int_equal(read_text(GOOD "next = keys/next.key\n", &config), STATUS_OK);
    assert_non_null(strstr(config.next_key, "/keys/next.key"));
    assert_non_null(strstr(config.next_register_path, "/keys/next.key.register"));
    assert_int_equal(read_text(GOOD, &config), STATUS_OK);
    assert_string_equal(config.next_key, "");
    assert_string_equal(config.next_register_path, "");
}

/* Goal: each slip is refused at its line, with the words that help, and nothing is changed. */
static void test_slips(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *place;
        const char *words;
    } rows[] = {
        {GOOD "colour = red\n", "config.ini:7:", "unknown key colour in section [keys]"},
        {GOOD "[colours]\nx = red\n", "config.ini:8:", "unknown section [colours]"},
        {GOOD "transport = again\n", "config.ini:7:", "given twice"},
        {GOOD "no equals sign\n", "config.ini:7:", "name = value"},
        {GOOD "[broken\n", "config.ini:7:", "[section]"},
        {GOOD "[node]\nrole = king\n", "config.ini:8:", "validator or observer"},
        {GOOD "[node]\nlog_level = loud\n", "config.ini:8:", "debug, info, warn or error"},
        {GOOD "[node]\nmap_size = 5\n", "config.ini:8:", "from 64M to 64T"},
        {GOOD "[node]\nmap_size = 99999999999999999999T\n", "config.ini:8:", "from 64M to 64T"},
        {GOOD "[node]\nmap_size = -1G\n", "config.ini:8:", "from 64M to 64T"},
        {GOOD "[node]\nverify_threads = 65\n", "config.ini:8:", "from 0 to 64"},
        {GOOD "[node]\nverify_threads = 1.5\n", "config.ini:8:", "from 0 to 64"},
        {GOOD "[limits]\npool_bytes = 2G\n", "config.ini:8:", "from 16M to 1G"},
        {GOOD "[peers]\na = 10.0.0.1:1\n", "config.ini:8:", "tcp://host:port"},
        {GOOD "[peers]\na = tcp://h:70000\n", "config.ini:8:", "tcp://host:port"},
        {GOOD "[peers]\na = tcp://h:\n", "config.ini:8:", "tcp://host:port"},
        {GOOD "[peers]\na = tcp://h:1\na = tcp://h:2\n", "config.ini:9:", "each peer once"},
        {GOOD "[operators]\na = 0011\n", "config.ini:8:", "64 hexadecimal digits"},
        {GOOD "[observers]\na = 0011\n", "config.ini:8:", "64 hexadecimal digits"},
        {GOOD "[observers]\na = " KEY "\na = " KEY "\n", "config.ini:9:", "each observer once"},
        {"[node]\nlisten = tcp://h:1\n[keys]\nconsensus = c\ntransport = t\n",
         "config.ini:", "validator in section [node]"},
        {"[node]\nlisten = tcp://h:1\nvalidator = a\n[keys]\ntransport = t\n",
         "config.ini:", "consensus in section [keys]"},
        {"[node]\nvalidator = a\n[keys]\nconsensus = c\ntransport = t\n",
         "config.ini:", "listen is missing"},
        {"", "config.ini:", "listen is missing"},
        {"[node]\nvalidator =\n", "config.ini:2:", "a value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config config;
        memset(&config, 0x5a, sizeof config);
        struct config before = config;
        assert_int_equal(read_text(rows[i].text, &config), STATUS_MALFORMED);
        if (strstr(error, rows[i].place) == NULL || strstr(error, rows[i].words) == NULL) {
            fail_msg("row %zu: %s", i, error);
        }
        assert_memory_equal(&config, &before, sizeof config);
    }
}

/* Goal: what is no text file at all. */
static void test_not_text(void **state)
{
    (void)state;
    struct config config;
    static char long_line[5000];
    struct folder empty;
    file_put(folder_file(&folder, "config.ini"), GOOD "\0x", sizeof GOOD + 1, 0600);
    assert_int_equal(config_read(folder.path, &config, error, sizeof error), STATUS_MALFORMED);
    memcpy(long_line, GOOD, sizeof GOOD - 1);
    memset(long_line + sizeof GOOD - 1, 'x', sizeof long_line - sizeof GOOD);
    assert_int_equal(read_text(long_line, &config), STATUS_MALFORMED);
    assert_non_null(strstr(error, "config.ini:7:"));
    assert_non_null(strstr(error, "characters"));
    folder_make(&empty);
    assert_int_equal(config_read(empty.path, &config, error, sizeof error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error, empty.path));
    folder_remove(&empty);
}

/* Goal: a path of several hundred characters is no problem, one beyond the limit is refused. */
static void test_long_path(void **state)
{
    (void)state;
    struct config config;
    char text[3000];
    char path[2000];
    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[700] = '\0';
    (void)snprintf(text, sizeof text, GOOD "passphrase_file = %s\n", path);
    assert_int_equal(read_text(text, &config), STATUS_OK);
    assert_string_equal(config.passphrase_file, path);
    path[700] = 'p';
    path[CONFIG_PATH_MAX] = '\0';
    (void)snprintf(text, sizeof text, GOOD "passphrase_file = %s\n", path);
    assert_int_equal(read_text(text, &config), STATUS_MALFORMED);
    assert_non_null(strstr(error, "a shorter value"));
}

/* Goal: what config_write writes means the same when read. */
static void test_write(void **state)
{
    (void)state;
    struct config config;
    struct config again;
    struct stat file;
    config_init(&config);
    strcpy(config.validator, "bank-c");
    strcpy(config.listen, "tcp://127.0.0.1:7003");
    strcpy(config.consensus_key, "/k/consensus.key");
    strcpy(config.transport_key, "/k/transport.key");
    strcpy(config.passphrase_file, "/k/passphrase");
    config.map_bytes = 1536ull << 20;
    config.log_level = LOG_LEVEL_WARN;
    config.verify_threads = 2;
    config.pool_bytes = 100000000;
    config.peer_count = 3;
    for (uint32_t i = 0; i < config.peer_count; i++) {
        (void)snprintf(config.peers[i].name, sizeof config.peers[i].name, "bank-%u", i);
        (void)snprintf(config.peers[i].url, sizeof config.peers[i].url, "tcp://h:%u", i + 1);
    }
    config.operator_count = 1;
    strcpy(config.operators[0].name, "ops");
    memset(config.operators[0].key.bytes, 0xab, 32);
    assert_int_equal(config_write(folder.path, &config, error, sizeof error), STATUS_OK);
    assert_int_equal(stat(folder_file(&folder, "config.ini"), &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    assert_int_equal(config_read(folder.path, &again, error, sizeof error), STATUS_OK);
    assert_string_equal(again.validator, config.validator);
    assert_string_equal(again.listen, config.listen);
    assert_string_equal(again.consensus_key, config.consensus_key);
    assert_string_equal(again.passphrase_file, config.passphrase_file);
    assert_int_equal(again.map_bytes, config.map_bytes);
    assert_int_equal(again.log_level, config.log_level);
    assert_int_equal(again.verify_threads, config.verify_threads);
    assert_int_equal(again.pool_bytes, config.pool_bytes);
    assert_int_equal(again.peer_count, 3);
    assert_memory_equal(again.peers, config.peers, sizeof config.peers);
    assert_memory_equal(again.operators, config.operators, sizeof config.operators);
    assert_int_equal(config_write("/nowhere/at/all", &config, error, sizeof error),
                     STATUS_NOT_FOUND);
}

/* Goal: the own validator by name, or by index; peers by name. */
static void test_validators(void **state)
{
    (void)state;
    struct config config;
    struct genesis_validator validators[2] = {{.name = "bank-a"}, {.name = "bank-b"}};
    struct genesis genesis = {.validators = validators, .validator_count = 2};
    uint32_t index = 9;
    config_init(&config);
    strcpy(config.validator, "bank-b");
    assert_int_equal(config_validator_index(&config, &genesis, &index, error, sizeof error),
                     STATUS_OK);
    assert_int_equal(index, 1);
    strcpy(config.validator, "0");
    assert_int_equal(config_validator_index(&config, &genesis, &index, error, sizeof error),
                     STATUS_OK);
    assert_int_equal(index, 0);
    strcpy(config.validator, "2");
    assert_int_equal(config_validator_index(&config, &genesis, &index, error, sizeof error),
                     STATUS_NOT_FOUND);
    assert_non_null(strstr(error, "bank-a"));
    config.peer_count = 1;
    strcpy(config.peers[0].name, "bank-b");
    strcpy(config.peers[0].url, "tcp://h:1");
}

/* Goal: a client's profile, written and read; its slips. */
static void test_client(void **state)
{
    (void)state;
    struct client_config config;
    struct client_config again;
    char path[CONFIG_PATH_MAX];
    client_config_init(&config);
    assert_int_equal(config.key_no, 1);
    config.participant = 17;
    config.key_no = 2;
    strcpy(config.address, "tcp://127.0.0.1:7003");
    strcpy(config.name, "Jade River Bank \xe7\x8e\x89\xe6\xb2\xb3");
    strcpy(config.roles, "bank,agent");
    strcpy(config.key, "keys/participant.key");
    strcpy(config.transport_key, "keys/transport.key");
    strcpy(config.genesis_path, "../../genesis.json");
    memset(config.node_key.bytes, 0xcd, 32);
    assert_int_equal(client_config_write(folder.path, &config, error, sizeof error), STATUS_OK);
    assert_int_equal(client_config_read(folder.path, &again, error, sizeof error), STATUS_OK);
    assert_int_equal(again.participant, 17);
    assert_int_equal(again.key_no, 2);
    assert_string_equal(again.name, config.name);
    assert_string_equal(again.roles, config.roles);
    assert_string_equal(again.address, config.address);
    assert_memory_equal(&again.node_key, &config.node_key, 32);
    (void)snprintf(path, sizeof path, "%s/../../genesis.json", folder.path);
    assert_string_equal(again.genesis_path, path);
    assert_string_equal(again.passphrase_file, "");
    file_put_text(folder_file(&folder, "client.ini"), "[client]\nparticipant = 0\n");
    assert_int_equal(client_config_read(folder.path, &again, error, sizeof error),
                     STATUS_MALFORMED);
    assert_non_null(strstr(error, "client.ini:2:"));
    file_put_text(folder_file(&folder, "client.ini"), "[client]\nparticipant = 1\n");
    assert_int_equal(client_config_read(folder.path, &again, error, sizeof error),
                     STATUS_MALFORMED);
    assert_non_null(strstr(error, "address is missing"));
}

static int setup(void **state)
{
    (void)state;
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
        cmocka_unit_test(test_small),    cmocka_unit_test(test_whole),
        cmocka_unit_test(test_next_key), cmocka_unit_test(test_slips),
        cmocka_unit_test(test_not_text), cmocka_unit_test(test_long_path),
        cmocka_unit_test(test_write),    cmocka_unit_test(test_validators),
        cmocka_unit_test(test_client),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
