/* config: config.ini and client.ini (see config.h). */
#include "node/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "node/file.h"
#include "node/ini.h"

#define MAP_BYTES_USUAL (256ull << 30)
#define MAP_BYTES_MIN (64ull << 20)
#define POOL_BYTES_MIN (16ull << 20)
#define VERIFY_THREADS_MAX 64
#define TEXT_BYTES_MAX (64u << 10)
#define REGISTER_SUFFIX ".register"

/* ---- Values ---- */

static bool parse_text(const char *value, void *ret_field, size_t field_size,
                       const char **ret_expected)
{
    size_t length = strlen(value);
    if (length == 0 || length >= field_size) {
        *ret_expected = length == 0 ? "a value" : "a shorter value";
        return false;
    }
    memcpy(ret_field, value, length + 1);
    return true;
}

static bool parse_url(const char *value, void *ret_field, size_t field_size,
                      const char **ret_expected)
{
    *ret_expected = "tcp://host:port";
    const char *colon = strrchr(value, ':');
    if (strncmp(value, "tcp://", 6) != 0 || colon == NULL || colon <= value + 6) {
        return false;
    }
    char *end;
    errno = 0;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (errno != 0 || end == colon + 1 || *end != '\0' || port > 65535 || colon[1] == '-' ||
        colon[1] == '+' || colon[1] == ' ') {
        return false;
    }
    return parse_text(value, ret_field, field_size, ret_expected);
}

static bool parse_role(const char *value, void *ret_field, size_t field_size,
                       const char **ret_expected)
{
    (void)field_size;
    *ret_expected = "validator or observer";
    enum node_role role = strcmp(value, "observer") == 0 ? NODE_OBSERVER : NODE_VALIDATOR;
    if (role == NODE_VALIDATOR && strcmp(value, "validator") != 0) {
        return false;
    }
    memcpy(ret_field, &role, sizeof role);
    return true;
}

static bool parse_level(const char *value, void *ret_field, size_t field_size,
                        const char **ret_expected)
{
    (void)field_size;
    *ret_expected = "debug, info, warn or error";
    return log_level_from_name(value, ret_field);
}

static bool parse_transport_key(const char *value, void *ret_field, size_t field_size,
                                const char **ret_expected)
{
    *ret_expected = "a transport key, 64 hexadecimal digits";
    return bytes_from_hex(value, field_size, ret_field) == STATUS_OK;
}

static bool parse_number(const char *value, uint64_t least, uint64_t most, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (errno != 0 || value[0] < '0' || value[0] > '9' || *end != '\0' || number < least ||
        number > most) {
        return false;
    }
    *ret_number = number;
    return true;
}

static bool parse_threads(const char *value, void *ret_field, size_t field_size,
                          const char **ret_expected)
{
    uint64_t number;
    (void)field_size;
    *ret_expected = "a number from 0 to 64";
    if (!parse_number(value, 0, VERIFY_THREADS_MAX, &number)) {
        return false;
    }
    *(uint32_t *)ret_field = (uint32_t)number;
    return true;
}

static bool parse_positive(const char *value, void *ret_field, size_t field_size,
                           const char **ret_expected)
{
    uint64_t number;
    (void)field_size;
    *ret_expected = "a number from 1 to 4294967295";
    if (!parse_number(value, 1, UINT32_MAX, &number)) {
        return false;
    }
    *(uint32_t *)ret_field = (uint32_t)number;
    return true;
}

/* "256G": a number and a power of 1024. */
static bool parse_bytes(const char *value, uint64_t least, uint64_t most, uint64_t *ret_bytes)
{
    static const char units[] = "KMGT";
    char digits[24];
    size_t length = strlen(value);
    if (length == 0 || length >= sizeof digits) {
        return false;
    }
    memcpy(digits, value, length + 1);
    const char *unit = strchr(units, digits[length - 1]);
    unsigned shift = unit == NULL ? 0 : 10 * (unsigned)(unit - units + 1);
    digits[unit == NULL ? length : length - 1] = '\0';
    uint64_t number;
    if (!parse_number(digits, 1, UINT64_MAX >> shift, &number)) {
        return false;
    }
    number <<= shift;
    if (number < least || number > most) {
        return false;
    }
    *ret_bytes = number;
    return true;
}

static bool parse_map_bytes(const char *value, void *ret_field, size_t field_size,
                            const char **ret_expected)
{
    (void)field_size;
    *ret_expected = "a size from 64M to 64T, as in 256G";
    return parse_bytes(value, MAP_BYTES_MIN, 64ull << 40, ret_field);
}

static bool parse_pool_bytes(const char *value, void *ret_field, size_t field_size,
                             const char **ret_expected)
{
    (void)field_size;
    *ret_expected = "a size from 16M to 1G";
    return parse_bytes(value, POOL_BYTES_MIN, LIMIT_POOL_BYTES, ret_field);
}

/* A list of names with transport keys that is being read. */
struct named_keys {
    struct peer_observer *entries;
    uint32_t *count;
    uint32_t most;
    const char *once, *at_most;
};

static bool add_peer(void *target, const char *name, const char *value, const char **ret_expected)
{
    struct config *config = target;
    for (uint32_t i = 0; i < config->peer_count; i++) {
        if (strcmp(config->peers[i].name, name) == 0) {
            *ret_expected = "each peer once";
            return false;
        }
    }
    if (config->peer_count == LIMIT_VALIDATORS) {
        *ret_expected = "at most 128 peers";
        return false;
    }
    struct config_peer *peer = &config->peers[config->peer_count];
    if (!parse_text(name, peer->name, sizeof peer->name, ret_expected) ||
        !parse_url(value, peer->url, sizeof peer->url, ret_expected)) {
        return false;
    }
    config->peer_count++;
    return true;
}

/* The next entry of a list of names with transport keys; each name once. */
static bool add_named_key(struct named_keys *keys, const char *name, const char *value,
                          const char **ret_expected)
{
    for (uint32_t i = 0; i < *keys->count; i++) {
        if (strcmp(keys->entries[i].name, name) == 0) {
            *ret_expected = keys->once;
            return false;
        }
    }
    if (*keys->count == keys->most) {
        *ret_expected = keys->at_most;
        return false;
    }
    struct peer_observer *entry = &keys->entries[*keys->count];
    if (!parse_text(name, entry->name, sizeof entry->name, ret_expected) ||
        !parse_transport_key(value, entry->key.bytes, sizeof entry->key.bytes, ret_expected)) {
        return false;
    }
    (*keys->count)++;
    return true;
}

static bool add_operator(void *target, const char *name, const char *value,
                         const char **ret_expected)
{
    struct config *config = target;
    struct named_keys keys = {config->operators, &config->operator_count, CONFIG_OPERATORS_MAX,
                              "each operator once", "at most 16 operators"};
    return add_named_key(&keys, name, value, ret_expected);
}

static bool add_observer(void *target, const char *name, const char *value,
                         const char **ret_expected)
{
    struct config *config = target;
    struct named_keys keys = {config->observers, &config->observer_count, CONFIG_OBSERVERS_MAX,
                              "each observer once", "at most 64 observers"};
    return add_named_key(&keys, name, value, ret_expected);
}

/* ---- Schemas ---- */

#define FIELD(type, field) offsetof(struct type, field), sizeof(((struct type *)NULL)->field)

static const struct ini_key node_keys[] = {
    {"node", "role", false, parse_role, FIELD(config, role)},
    {"node", "validator", false, parse_text, FIELD(config, validator)},
    {"node", "listen", true, parse_url, FIELD(config, listen)},
    {"node", "map_size", false, parse_map_bytes, FIELD(config, map_bytes)},
    {"node", "log_level", false, parse_level, FIELD(config, log_level)},
    {"node", "verify_threads", false, parse_threads, FIELD(config, verify_threads)},
    {"keys", "consensus", false, parse_text, FIELD(config, consensus_key)},
    {"keys", "next", false, parse_text, FIELD(config, next_key)},
    {"keys", "transport", true, parse_text, FIELD(config, transport_key)},
    {"keys", "passphrase_file", false, parse_text, FIELD(config, passphrase_file)},
    {"limits", "pool_bytes", false, parse_pool_bytes, FIELD(config, pool_bytes)},
};

static const struct ini_list node_lists[] = {
    {"peers", add_peer},
    {"observers", add_observer},
    {"operators", add_operator},
};

static const struct ini_schema node_schema = {
    .keys = node_keys,
    .key_count = sizeof node_keys / sizeof *node_keys,
    .lists = node_lists,
    .list_count = sizeof node_lists / sizeof *node_lists,
};

static const struct ini_key client_keys[] = {
    {"client", "address", true, parse_url, FIELD(client_config, address)},
    {"client", "node_key", true, parse_transport_key, FIELD(client_config, node_key)},
    {"client", "participant", true, parse_positive, FIELD(client_config, participant)},
    {"client", "name", false, parse_text, FIELD(client_config, name)},
    {"client", "roles", false, parse_text, FIELD(client_config, roles)},
    {"client", "key", true, parse_text, FIELD(client_config, key)},
    {"client", "key_no", false, parse_positive, FIELD(client_config, key_no)},
    {"client", "transport_key", true, parse_text, FIELD(client_config, transport_key)},
    {"client", "passphrase_file", false, parse_text, FIELD(client_config, passphrase_file)},
    {"client", "genesis", true, parse_text, FIELD(client_config, genesis_path)},
};

static const struct ini_schema client_schema = {
    .keys = client_keys,
    .key_count = sizeof client_keys / sizeof *client_keys,
};

/* ---- Paths ---- */

/* folder/path, unless path is absolute or empty. In place; OVERSIZED if it does not fit. */
static enum status resolve(const char *folder, char path[CONFIG_PATH_MAX], char *ret_error,
                           size_t capacity)
{
    char joined[CONFIG_PATH_MAX];
    if (path[0] == '\0' || path[0] == '/') {
        return STATUS_OK;
    }
    int used = snprintf(joined, sizeof joined, "%s/%s", folder, path);
    if (used < 0 || (size_t)used >= sizeof joined) {
        return error_set(STATUS_OVERSIZED, ret_error, capacity,
                         "%s/%s: the path is too long, at most %d bytes", folder, path,
                         CONFIG_PATH_MAX - 1);
    }
    memcpy(path, joined, sizeof joined);
    return STATUS_OK;
}

static enum status set_path(char ret_path[CONFIG_PATH_MAX], const char *text, const char *suffix,
                            char *ret_error, size_t capacity)
{
    int used = snprintf(ret_path, CONFIG_PATH_MAX, "%s%s", text, suffix);
    if (used < 0 || used >= CONFIG_PATH_MAX) {
        return error_set(STATUS_OVERSIZED, ret_error, capacity,
                         "%s%s: the path is too long, at most %d bytes", text, suffix,
                         CONFIG_PATH_MAX - 1);
    }
    return STATUS_OK;
}

/* ---- config.ini ---- */

void config_init(struct config *ret_config)
{
    memset(ret_config, 0, sizeof *ret_config);
    ret_config->role = NODE_VALIDATOR;
    ret_config->map_bytes = MAP_BYTES_USUAL;
    ret_config->log_level = LOG_LEVEL_INFO;
    ret_config->pool_bytes = LIMIT_POOL_BYTES;
}

static enum status config_paths(struct config *config, char *ret_error, size_t capacity)
{
    char *const paths[] = {config->consensus_key, config->next_key, config->transport_key,
                           config->passphrase_file, config->genesis_path};
    strcpy(config->genesis_path, "genesis.json");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        enum status status = resolve(config->home, paths[i], ret_error, capacity);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (config->next_key[0] != '\0') {
        enum status status = set_path(config->next_register_path, config->next_key, REGISTER_SUFFIX,
                                      ret_error, capacity);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (config->consensus_key[0] == '\0') {
        return STATUS_OK;
    }
    return set_path(config->register_path, config->consensus_key, REGISTER_SUFFIX, ret_error,
                    capacity);
}

enum status config_read(const char *home, struct config *ret_config, char *ret_error,
                        size_t capacity)
{
    char path[CONFIG_PATH_MAX];
    struct config config;
    config_init(&config);
    enum status status = set_path(config.home, home, "", ret_error, capacity);
    if (status == STATUS_OK) {
        status = set_path(path, home, "/config.ini", ret_error, capacity);
    }
    if (status == STATUS_OK) {
        status = ini_read(path, &node_schema, &config, ret_error, capacity);
    }
    if (status == STATUS_OK && config.role == NODE_VALIDATOR &&
        (config.validator[0] == '\0' || config.consensus_key[0] == '\0')) {
        return error_set(
            STATUS_MALFORMED, ret_error, capacity,
            "%s: %s is missing: a validator needs it (an observer has role = observer)", path,
            config.validator[0] == '\0' ? "validator in section [node]"
                                        : "consensus in section [keys]");
    }
    if (status == STATUS_OK) {
        status = config_paths(&config, ret_error, capacity);
    }
    if (status == STATUS_OK) {
        *ret_config = config;
    }
    return status;
}

/* A text that is being written; failed once it is too long. */
struct text {
    char bytes[TEXT_BYTES_MAX];
    size_t used;
    bool failed;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
    va_list arguments;
    size_t left = sizeof text->bytes - text->used;
    va_start(arguments, format);
    int length = vsnprintf(text->bytes + text->used, left, format, arguments);
    va_end(arguments);
    text->failed = text->failed || length < 0 || (size_t)length >= left;
    text->used += text->failed ? 0 : (size_t)length;
}

static void add_if_given(struct text *text, const char *name, const char *value)
{
    if (value[0] != '\0') {
        add(text, "%s = %s\n", name, value);
    }
}

static enum status write_text(const char *folder, const char *name, const struct text *text,
                              char *ret_error, size_t capacity)
{
    char path[CONFIG_PATH_MAX];
    CHECK(!text->failed);
    enum status status = set_path(path, folder, name, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    return file_write(path, 0600, true, text->bytes, text->used, ret_error, capacity);
}

/* "256G" if it is a whole number of them, else bytes. */
static void add_bytes(struct text *text, const char *name, uint64_t bytes)
{
    static const char units[] = "KMGT";
    int unit = -1;
    while (unit < 3 && bytes > 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    if (unit < 0) {
        add(text, "%s = %llu\n", name, (unsigned long long)bytes);
    } else {
        add(text, "%s = %llu%c\n", name, (unsigned long long)bytes, units[unit]);
    }
}

static void add_hex(struct text *text, const char *name, const struct transport_key *key)
{
    char hex[2 * sizeof key->bytes + 1];
    bytes_to_hex(key->bytes, sizeof key->bytes, hex);
    add(text, "%s = %s\n", name, hex);
}

enum status config_write(const char *home, const struct config *config, char *ret_error,
                         size_t capacity)
{
    struct text *text = calloc(1, sizeof *text);
    if (text == NULL) {
        return error_set(STATUS_NO_MEMORY, ret_error, capacity, "%s: no memory", home);
    }
    add(text, "; A node of Hefu; see docs/operations.md, Configuration.\n[node]\nrole = %s\n",
        config->role == NODE_OBSERVER ? "observer" : "validator");
    add_if_given(text, "validator", config->validator);
    add_if_given(text, "listen", config->listen);
    add_bytes(text, "map_size", config->map_bytes);
    add(text, "log_level = %s\nverify_threads = %u\n\n[keys]\n", log_level_name(config->log_level),
        config->verify_threads);
    add_if_given(text, "consensus", config->consensus_key);
    add_if_given(text, "next", config->next_key);
    add_if_given(text, "transport", config->transport_key);
    add_if_given(text, "passphrase_file", config->passphrase_file);
    add(text, "\n[limits]\n");
    add_bytes(text, "pool_bytes", config->pool_bytes);
    add(text, "\n[peers]\n");
    for (uint32_t i = 0; i < config->peer_count; i++) {
        add(text, "%s = %s\n", config->peers[i].name, config->peers[i].url);
    }
    add(text, "\n[observers]\n");
    for (uint32_t i = 0; i < config->observer_count; i++) {
        add_hex(text, config->observers[i].name, &config->observers[i].key);
    }
    add(text, "\n[operators]\n");
    for (uint32_t i = 0; i < config->operator_count; i++) {
        add_hex(text, config->operators[i].name, &config->operators[i].key);
    }
    enum status status = write_text(home, "/config.ini", text, ret_error, capacity);
    free(text);
    return status;
}

enum status config_validator_index(const struct config *config, const struct genesis *genesis,
                                   uint32_t *ret_index, char *ret_error, size_t capacity)
{
    uint64_t number;
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        if (strcmp(genesis->validators[i].name, config->validator) == 0) {
            *ret_index = i;
            return STATUS_OK;
        }
    }
    if (genesis->validator_count > 0 &&
        parse_number(config->validator, 0, genesis->validator_count - 1, &number)) {
        *ret_index = (uint32_t)number;
        return STATUS_OK;
    }
    return error_set(
        STATUS_NOT_FOUND, ret_error, capacity,
        "%s/config.ini: validator = %s: genesis.json has no such validator; it has %u, "
        "the first is %s",
        config->home, config->validator, genesis->validator_count,
        genesis->validator_count > 0 ? genesis->validators[0].name : "none");
}

/* ---- client.ini ---- */

void client_config_init(struct client_config *ret_config)
{
    memset(ret_config, 0, sizeof *ret_config);
    ret_config->key_no = 1;
}

enum status client_config_read(const char *folder, struct client_config *ret_config,
                               char *ret_error, size_t capacity)
{
    char path[CONFIG_PATH_MAX];
    struct client_config config;
    client_config_init(&config);
    enum status status = set_path(config.folder, folder, "", ret_error, capacity);
    if (status == STATUS_OK) {
        status = set_path(path, folder, "/client.ini", ret_error, capacity);
    }
    if (status == STATUS_OK) {
        status = ini_read(path, &client_schema, &config, ret_error, capacity);
    }
    char *const paths[] = {config.key, config.transport_key, config.passphrase_file,
                           config.genesis_path};
    for (size_t i = 0; i < sizeof paths / sizeof *paths && status == STATUS_OK; i++) {
        status = resolve(config.folder, paths[i], ret_error, capacity);
    }
    if (status == STATUS_OK) {
        *ret_config = config;
    }
    return status;
}

enum status client_config_write(const char *folder, const struct client_config *config,
                                char *ret_error, size_t capacity)
{
    struct text *text = calloc(1, sizeof *text);
    if (text == NULL) {
        return error_set(STATUS_NO_MEMORY, ret_error, capacity, "%s: no memory", folder);
    }
    add(text, "; A participant's profile for hefu --client; see docs/operations.md.\n[client]\n");
    add(text, "participant = %u\n", config->participant);
    add_if_given(text, "name", config->name);
    add_if_given(text, "roles", config->roles);
    add_if_given(text, "address", config->address);
    add_hex(text, "node_key", &config->node_key);
    add_if_given(text, "key", config->key);
    add(text, "key_no = %u\n", config->key_no);
    add_if_given(text, "transport_key", config->transport_key);
    add_if_given(text, "passphrase_file", config->passphrase_file);
    add_if_given(text, "genesis", config->genesis_path);
    enum status status = write_text(folder, "/client.ini", text, ret_error, capacity);
    free(text);
    return status;
}
