/*
 * testnet: `hefu testnet init`: a whole network as a folder: keys, genesis, a home for each
 * validator, a profile for each participant.
 *
 *   NET/genesis.json      NET/node-0/config.ini, genesis.json, passphrase, keys/
 *                         NET/clients/jade-river-bank/client.ini, passphrase, keys/
 *                         NET/clients/jade-river-bank/checker/     the same for a second person
 *
 * For networks on one machine: the passphrases stand beside the keys, and their cost is low.
 */
#include <errno.h>
#include <inttypes.h>
#include <sodium/randombytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "cli/names.h"
#include "cli/plan.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "node/config.h"
#include "node/file.h"
#include "node/genesis_file.h"
#include "node/keys.h"
#include "node/register.h"

#define ERROR_BYTES 512
#define PASSPHRASE_BYTES 32
#define DEFAULT_BASE_PORT 24600
#define CHECKER_KEY_NO 2

struct network {
    const char *out;
    struct genesis genesis;
    uint32_t validator_count, observer_count;
    uint16_t base_port;
    struct signing_key **signing;  /* of participants: makers, who submit and propose */
    struct signing_key **checkers; /* their second persons, who only approve */
    struct noise_key_pair **transport;
    struct signing_key **consensus; /* of validators */
    struct noise_key_pair **node_transport;
    struct noise_key_pair **observer_transport;
    char error[ERROR_BYTES];
};

static enum status make_folder(struct network *network, const char *path)
{
    if (mkdir(path, 0700) != 0) {
        return error_set(status_from_errno(errno), network->error, sizeof network->error,
                         "%s: cannot make this folder: %s", path, strerror(errno));
    }
    return STATUS_OK;
}

static bool is_servant(uint32_t roles)
{
    return (roles & (ROLE_AGENT | ROLE_OPERATOR | ROLE_AUDITOR)) != 0;
}

static enum status make_observer_keys(struct network *network)
{
    network->observer_transport =
        calloc(network->observer_count + 1, sizeof *network->observer_transport);
    CHECK(network->observer_transport != NULL);
    for (uint32_t i = 0; i < network->observer_count; i++) {
        network->observer_transport[i] = transport_pair_new();
        if (network->observer_transport[i] == NULL) {
            return error_set(STATUS_NO_MEMORY, network->error, sizeof network->error,
                             "no lockable memory for the key of observer %u", i);
        }
    }
    return STATUS_OK;
}

/* Everyone's keys, and the genesis that names them. */
static enum status make_keys(struct network *network)
{
    struct genesis *genesis = &network->genesis;
    uint32_t count = genesis->participant_count;
    network->signing = calloc(count, sizeof(struct signing_key *));
    network->checkers = calloc(count, sizeof(struct signing_key *));
    network->transport = calloc(count, sizeof(struct noise_key_pair *));
    network->consensus = calloc(network->validator_count, sizeof(struct signing_key *));
    network->node_transport = calloc(network->validator_count, sizeof(struct noise_key_pair *));
    genesis->validators = calloc(network->validator_count, sizeof *genesis->validators);
    CHECK(network->signing != NULL && network->checkers != NULL && network->transport != NULL &&
          network->consensus != NULL && network->node_transport != NULL &&
          genesis->validators != NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct genesis_participant *own = &genesis->participants[i];
        network->signing[i] = signing_key_new();
        network->checkers[i] = signing_key_new();
        network->transport[i] = transport_pair_new();
        if (network->signing[i] == NULL || network->checkers[i] == NULL ||
            network->transport[i] == NULL) {
            return error_set(STATUS_NO_MEMORY, network->error, sizeof network->error,
                             "no lockable memory for key %u of %u; raise the limit (ulimit -l)", i,
                             count);
        }
        own->transport_key = network->transport[i]->public_key;
        own->key_count = 2;
        own->keys[1] = (struct participant_key){.key_no = CHECKER_KEY_NO,
                                                .permissions = PERMISSION_ACT,
                                                .key = *signing_key_public(network->checkers[i])};
        own->keys[0] = (struct participant_key){.key_no = 1,
                                                .permissions = PERMISSION_SUBMIT | PERMISSION_ACT,
                                                .key = *signing_key_public(network->signing[i])};
    }
    for (uint32_t i = 0, at = 0; i < network->validator_count; i++, at++) {
        while (at < count && is_servant(genesis->participants[at].roles)) {
            at++;
        }
        CHECK(at < count);
        network->consensus[i] = signing_key_new();
        network->node_transport[i] = transport_pair_new();
        if (network->consensus[i] == NULL || network->node_transport[i] == NULL) {
            return error_set(STATUS_NO_MEMORY, network->error, sizeof network->error,
                             "no lockable memory for the keys of validator %u", i);
        }
        struct genesis_validator *own = &genesis->validators[i];
        own->participant = genesis->participants[at].number;
        own->key = *signing_key_public(network->consensus[i]);
        own->transport_key = network->node_transport[i]->public_key;
        snprintf(own->name, sizeof own->name, "node-%u", i);
    }
    genesis->validator_count = network->validator_count;
    return make_observer_keys(network);
}

/* A random passphrase, stored as FOLDER/passphrase. */
static enum status make_passphrase(struct network *network, const char *folder,
                                   struct passphrase **ret_passphrase)
{
    char path[CONFIG_PATH_MAX], text[PASSPHRASE_BYTES + 2];
    for (unsigned i = 0; i < PASSPHRASE_BYTES; i++) {
        text[i] = "abcdefghijklmnopqrstuvwxyz234567"[randombytes_uniform(32)];
    }
    text[PASSPHRASE_BYTES] = '\n';
    snprintf(path, sizeof path, "%s/passphrase", folder);
    enum status status = file_write(path, 0600, false, text, PASSPHRASE_BYTES + 1, network->error,
                                    sizeof network->error);
    if (status == STATUS_OK) {
        *ret_passphrase = passphrase_new(text, PASSPHRASE_BYTES);
        if (*ret_passphrase == NULL) {
            status = error_set(STATUS_NO_MEMORY, network->error, sizeof network->error,
                               "no lockable memory for a passphrase");
        }
    }
    return status;
}

/* Folder, passphrase and the key files of a node or a client; key is NULL for an observer. */
static enum status make_home(struct network *network, const char *home, const char *key_name,
                             const struct signing_key *key, const struct noise_key_pair *pair)
{
    char path[CONFIG_PATH_MAX];
    struct passphrase *passphrase = NULL;
    enum status status = make_folder(network, home);
    snprintf(path, sizeof path, "%s/keys", home);
    if (status == STATUS_OK) {
        status = make_folder(network, path);
    }
    if (status == STATUS_OK) {
        status = make_passphrase(network, home, &passphrase);
    }
    if (status == STATUS_OK && key != NULL) {
        snprintf(path, sizeof path, "%s/keys/%s.key", home, key_name);
        status = key_file_write_signing(path, key, passphrase, &KEY_COST_TESTNET, network->error,
                                        sizeof network->error);
    }
    if (status == STATUS_OK) {
        snprintf(path, sizeof path, "%s/keys/transport.key", home);
        status = key_file_write_transport(path, pair, passphrase, &KEY_COST_TESTNET, network->error,
                                          sizeof network->error);
    }
    passphrase_free(passphrase);
    return status;
}

static void node_url(const struct network *network, uint32_t index, char ret_url[CONFIG_URL_MAX])
{
    snprintf(ret_url, CONFIG_URL_MAX, "tcp://127.0.0.1:%u", network->base_port + index);
}

static enum status make_node(struct network *network, uint32_t index)
{
    char home[CONFIG_PATH_MAX / 2], path[CONFIG_PATH_MAX];
    snprintf(home, sizeof home, "%s/node-%u", network->out, index);
    enum status status = make_home(network, home, "consensus", network->consensus[index],
                                   network->node_transport[index]);
    if (status != STATUS_OK) {
        return status;
    }
    struct config config;
    config_init(&config);
    config.role = NODE_VALIDATOR;
    snprintf(config.validator, sizeof config.validator, "node-%u", index);
    node_url(network, index, config.listen);
    snprintf(config.consensus_key, sizeof config.consensus_key, "keys/consensus.key");
    snprintf(config.transport_key, sizeof config.transport_key, "keys/transport.key");
    snprintf(config.passphrase_file, sizeof config.passphrase_file, "passphrase");
    for (uint32_t i = 0; i < network->validator_count; i++) {
        if (i != index) {
            struct config_peer *peer = &config.peers[config.peer_count++];
            snprintf(peer->name, sizeof peer->name, "node-%u", i);
            node_url(network, i, peer->url);
        }
    }
    for (uint32_t i = 0; i < network->observer_count; i++) {
        struct peer_observer *observer = &config.observers[config.observer_count++];
        snprintf(observer->name, sizeof observer->name, "observer-%u", i);
        observer->key = network->observer_transport[i]->public_key;
    }
    status = config_write(home, &config, network->error, sizeof network->error);
    if (status == STATUS_OK) {
        snprintf(path, sizeof path, "%s/genesis.json", home);
        status = genesis_file_write(path, &network->genesis, network->error, sizeof network->error);
    }
    if (status == STATUS_OK) {
        /* Where the register stands is the configuration's to say. */
        status = config_read(home, &config, network->error, sizeof network->error);
    }
    if (status == STATUS_OK) {
        status =
            register_create(config.register_path, signing_key_public(network->consensus[index]),
                            network->error, sizeof network->error);
    }
    return status;
}

/* A node without a consensus key, which dials the validators. */
static enum status make_observer(struct network *network, uint32_t index)
{
    char home[CONFIG_PATH_MAX / 2], path[CONFIG_PATH_MAX];
    snprintf(home, sizeof home, "%s/observer-%u", network->out, index);
    enum status status = make_home(network, home, "", NULL, network->observer_transport[index]);
    if (status != STATUS_OK) {
        return status;
    }
    struct config config;
    config_init(&config);
    config.role = NODE_OBSERVER;
    node_url(network, network->validator_count + index, config.listen);
    snprintf(config.transport_key, sizeof config.transport_key, "keys/transport.key");
    snprintf(config.passphrase_file, sizeof config.passphrase_file, "passphrase");
    for (uint32_t i = 0; i < network->validator_count; i++) {
        struct config_peer *peer = &config.peers[config.peer_count++];
        snprintf(peer->name, sizeof peer->name, "node-%u", i);
        node_url(network, i, peer->url);
    }
    status = config_write(home, &config, network->error, sizeof network->error);
    if (status == STATUS_OK) {
        snprintf(path, sizeof path, "%s/genesis.json", home);
        status = genesis_file_write(path, &network->genesis, network->error, sizeof network->error);
    }
    return status;
}

/* The node that a participant's client uses: its own, or one that its number picks. */
static uint32_t node_of(const struct network *network, uint32_t participant)
{
    for (uint32_t i = 0; i < network->validator_count; i++) {
        if (network->genesis.validators[i].participant == participant) {
            return i;
        }
    }
    return participant % network->validator_count;
}

/* A profile of a participant: its maker's, or inside that one its checker's. */
static enum status make_profile(struct network *network, uint32_t index, bool checker)
{
    const struct genesis_participant *own = &network->genesis.participants[index];
    char home[CONFIG_PATH_MAX / 2], slug[sizeof own->name];
    name_slug(own->name, slug, sizeof slug);
    snprintf(home, sizeof home, "%s/clients/%s%s", network->out, slug, checker ? "/checker" : "");
    enum status status = make_home(network, home, "participant",
                                   checker ? network->checkers[index] : network->signing[index],
                                   network->transport[index]);
    if (status != STATUS_OK) {
        return status;
    }
    struct client_config config;
    client_config_init(&config);
    uint32_t node = node_of(network, own->number);
    node_url(network, node, config.address);
    config.node_key = network->genesis.validators[node].transport_key;
    config.participant = own->number;
    snprintf(config.name, sizeof config.name, "%s", own->name);
    char roles[ROLES_TEXT_BYTES];
    roles_format(own->roles, roles);
    for (char *at = roles; *at != '\0'; at++) {
        *at = (char)(*at == ' ' ? ',' : *at + ('a' - 'A'));
    }
    snprintf(config.roles, sizeof config.roles, "%.63s", roles);
    config.key_no = checker ? CHECKER_KEY_NO : 1;
    snprintf(config.key, sizeof config.key, "keys/participant.key");
    snprintf(config.transport_key, sizeof config.transport_key, "keys/transport.key");
    snprintf(config.passphrase_file, sizeof config.passphrase_file, "passphrase");
    snprintf(config.genesis_path, sizeof config.genesis_path, "%s../../genesis.json",
             checker ? "../" : "");
    return client_config_write(home, &config, network->error, sizeof network->error);
}

/* Two persons, so that what one proposes another approves. */
static enum status make_client(struct network *network, uint32_t index)
{
    enum status status = make_profile(network, index, false);
    return status == STATUS_OK ? make_profile(network, index, true) : status;
}

/* Two participants whose names give the same folder, and names that give none. */
static enum status check_slugs(struct network *network)
{
    const struct genesis *genesis = &network->genesis;
    char own[64], other[64];
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        name_slug(genesis->participants[i].name, own, sizeof own);
        for (uint32_t k = 0; k < i; k++) {
            name_slug(genesis->participants[k].name, other, sizeof other);
            if (strcmp(own, other) == 0) {
                return error_set(STATUS_MALFORMED, network->error, sizeof network->error,
                                 "participants %u and %u have the same name for a folder, \"%s\"",
                                 genesis->participants[k].number, genesis->participants[i].number,
                                 own);
            }
        }
        if (own[0] == '\0') {
            return error_set(STATUS_MALFORMED, network->error, sizeof network->error,
                             "participant %u: a name needs ASCII letters or digits",
                             genesis->participants[i].number);
        }
    }
    return STATUS_OK;
}

static enum status check_plan(struct network *network)
{
    struct genesis *genesis = &network->genesis;
    uint32_t business = 0;
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        business += is_servant(genesis->participants[i].roles) ? 0 : 1;
    }
    if (network->validator_count > business) {
        return error_set(STATUS_USAGE, network->error, sizeof network->error,
                         "--validators %u: a validator is run by a participant that is not agent, "
                         "operator or auditor, and there are only %u",
                         network->validator_count, business);
    }
    return check_slugs(network);
}

static enum status make_network(struct network *network)
{
    char path[CONFIG_PATH_MAX];
    enum status status = check_plan(network);
    if (status == STATUS_OK) {
        status = make_folder(network, network->out);
    }
    if (status == STATUS_OK) {
        status = make_keys(network);
    }
    if (status == STATUS_OK) {
        snprintf(path, sizeof path, "%s/genesis.json", network->out);
        status = genesis_file_write(path, &network->genesis, network->error, sizeof network->error);
    }
    for (uint32_t i = 0; i < network->validator_count && status == STATUS_OK; i++) {
        status = make_node(network, i);
    }
    for (uint32_t i = 0; i < network->observer_count && status == STATUS_OK; i++) {
        status = make_observer(network, i);
    }
    if (status == STATUS_OK) {
        snprintf(path, sizeof path, "%s/clients", network->out);
        status = make_folder(network, path);
    }
    struct progress progress;
    progress_start(&progress, "profiles", network->genesis.participant_count);
    for (uint32_t i = 0; i < network->genesis.participant_count && status == STATUS_OK; i++) {
        status = make_client(network, i);
        progress_at(&progress, i + 1);
    }
    progress_end(&progress);
    return status;
}

static void free_network(struct network *network)
{
    for (uint32_t i = 0; network->signing != NULL && i < network->genesis.participant_count; i++) {
        signing_key_free(network->signing[i]);
        signing_key_free(network->checkers[i]);
        transport_pair_free(network->transport[i]);
    }
    for (uint32_t i = 0; network->consensus != NULL && i < network->validator_count; i++) {
        signing_key_free(network->consensus[i]);
        transport_pair_free(network->node_transport[i]);
    }
    for (uint32_t i = 0; network->observer_transport != NULL && i < network->observer_count; i++) {
        transport_pair_free(network->observer_transport[i]);
    }
    free(network->observer_transport);
    free(network->signing);
    free(network->checkers);
    free(network->transport);
    free(network->consensus);
    free(network->node_transport);
    genesis_free(&network->genesis);
}

static int run_init(const struct args *args)
{
    struct network network = {.out = args_value(args, "out")};
    uint64_t validators, observers, base_port;
    if (network.out == NULL) {
        complain("testnet init needs --out DIR, a folder that does not exist yet");
        return EXIT_USAGE;
    }
    if (args_number(args, "validators", 4, LIMIT_VALIDATORS, &validators) != STATUS_OK ||
        args_number(args, "observers", 0, CONFIG_OBSERVERS_MAX, &observers) != STATUS_OK ||
        args_number(args, "base-port", DEFAULT_BASE_PORT, 65535, &base_port) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (validators == 0 || base_port < 1024 || base_port + validators + observers > 65536) {
        complain("--validators takes 1 to %u, --base-port 1024 to %" PRIu64, LIMIT_VALIDATORS,
                 65536 - validators - observers);
        return EXIT_USAGE;
    }
    if (strlen(network.out) > CONFIG_PATH_MAX / 4) {
        complain("--out: the path is too long");
        return EXIT_USAGE;
    }
    network.validator_count = (uint32_t)validators;
    network.observer_count = (uint32_t)observers;
    network.base_port = (uint16_t)base_port;
    enum status status = plan_read(args_value(args, "participants"), &network.genesis,
                                   network.error, sizeof network.error);
    if (status == STATUS_OK) {
        network.genesis.created_ms = wall_clock_ms();
        status = make_network(&network);
    }
    if (status != STATUS_OK) {
        complain("testnet init: %s", network.error);
        free_network(&network);
        return EXIT_USAGE;
    }
    struct hash chain_id = genesis_file_chain_id(&network.genesis);
    char hex[2 * HASH_BYTES + 1];
    bytes_to_hex(chain_id.bytes, HASH_BYTES, hex);
    char observing[32] = "";
    if (network.observer_count > 0) {
        snprintf(observing, sizeof observing, "%u observers, ", network.observer_count);
    }
    printf("%s: %u validators, %sports %u to %u, %u participants, chain %s\n", network.out,
           network.validator_count, observing, network.base_port,
           network.base_port + network.validator_count + network.observer_count - 1,
           network.genesis.participant_count, hex);
    free_network(&network);
    return EXIT_CLEAN;
}

static const struct verb_option init_options[] = {
    {"out", "DIR", "the folder to make; needed"},
    {"validators", "N", "how many (4)"},
    {"observers", "N", "nodes that follow without voting (0)"},
    {"participants", "FILE", "who takes part: participants.json, see docs/integrating.md"},
    {"base-port", "P", "validator i listens on 127.0.0.1, port P + i (24600), then observers"},
    {NULL, NULL, NULL},
};

const struct verb verb_testnet_init = {
    .name = "testnet init",
    .operands = "",
    .summary = "keys, genesis and configurations for a local network",
    .description =
        "Makes DIR with genesis.json, a home for each validator (node-0, node-1 ...) and\n"
        "a profile for each participant (clients/NAME), all with fresh keys. The first\n"
        "participants that are not agent, operator or auditor run the validators; every\n"
        "other participant's client uses one of their nodes. Observers (observer-0 ...)\n"
        "follow, verify and serve queries. A profile inside each profile,\n"
        "clients/NAME/checker, has the key of a second person, which approves actions\n"
        "and submits nothing.\n\n"
        "Without --participants it takes a fintech, a card network, five banks, a\n"
        "settlement agent, an operator and an auditor, in CNY.\n\n"
        "For networks on one machine only: each passphrase stands in a file beside its\n"
        "keys, which are cheap to try. scripts/testnet up starts such a network.",
    .options = init_options,
    .examples = "hefu testnet init --out net\n"
                "hefu testnet init --out net --validators 7 --base-port 25000 \\\n"
                "    --participants tests/data/participants.json",
    .run = run_init,
};
