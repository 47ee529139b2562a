/*
 * bench_network: what a running network does, seen from its clients (docs/benchmarks.md): records
 * final a second while several participants submit at once, and the time from submit to receipt on
 * an idle network.
 *
 *   bench_network NET [--records N] [--batch N] [--window N] [--latency N] [--dead PID,PID,...]
 *
 * NET is a folder made by `hefu testnet init` whose nodes run. The settlement agent funds all banks
 * first; then every bank files card purchases as payee, with interchange and network fees, in
 * signed batches made beforehand, and waits for the receipts. Bounded in records, and in time by
 * its timeouts. --dead names the processes of all nodes, from node 0 on: the latency is measured
 * with all alive and with one stopped (SIGSTOP), in turns, and nothing else is.
 */
#include <dirent.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <sodium/core.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/prng.h"
#include "ledger/ledger.h"
#include "node/config.h"
#include "node/genesis_file.h"
#include "node/keys.h"
#include "node/link.h"
#include "node/passphrase.h"
#include "proto/client_codec.h"

#define CLIENTS_MAX 16
#define TIMEOUT_MS 60000u
#define FUNDING_MINOR 50000000000ull

struct options {
    const char *net;
    uint64_t records;
    uint32_t batch;
    uint32_t window;
    uint32_t latency;
    pid_t pids[LIMIT_VALIDATORS];
    uint32_t pid_count;
};

struct client {
    const struct options *options;
    const struct genesis *genesis;
    struct hash chain_id;
    struct client_config config;
    struct signing_key *key;
    struct noise_key_pair *transport;
    struct link_client *link;
    uint64_t next_request;
    uint8_t **batches;
    size_t *lengths;
    uint32_t batch_count;
    uint64_t posted, rejected;
    _Alignas(16) uint8_t arena[CLIENT_ANSWER_ARENA_BYTES];
};

static uint64_t now_us(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t wall_ms(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static _Noreturn void give_up(const char *what, enum status status)
{
    (void)fprintf(stderr, "bench_network: %s: %s\n", what, status_text(status));
    exit(1);
}

/* ---- Clients ---- */

static void client_load(struct client *client, const char *folder)
{
    char error[1024];
    struct passphrase *passphrase;
    enum status status = client_config_read(folder, &client->config, error, sizeof error);
    if (status == STATUS_OK) {
        status =
            passphrase_get(client->config.passphrase_file, "", &passphrase, error, sizeof error);
    }
    if (status == STATUS_OK) {
        status = key_file_read_signing(client->config.key, passphrase, &client->key, error,
                                       sizeof error);
    }
    if (status == STATUS_OK) {
        status = key_file_read_transport(client->config.transport_key, passphrase,
                                         &client->transport, error, sizeof error);
    }
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "bench_network: %s\n", error);
        exit(1);
    }
    passphrase_free(passphrase);
}

static void client_connect(struct client *client)
{
    uint8_t prologue[6 + HASH_BYTES];
    memcpy(prologue, "hefu/1", 6);
    memcpy(prologue + 6, client->chain_id.bytes, HASH_BYTES);
    enum status status =
        link_client_open(client->config.address, client->transport, &client->config.node_key,
                         prologue, sizeof prologue, 10000, &client->link);
    if (status != STATUS_OK) {
        give_up(client->config.address, status);
    }
}

static void client_send(struct client *client, const struct client_message *message,
                        enum link_class class)
{
    size_t length = client_encoded_bound(message);
    uint8_t *frame = malloc(length);
    CHECK(frame != NULL);
    CHECK(client_encode(message, frame, length, &length) == STATUS_OK);
    enum status status = link_client_send(client->link, class, frame, length, TIMEOUT_MS);
    if (status != STATUS_OK) {
        give_up("sending", status);
    }
    free(frame);
}

/* The answer borrows from the client's arena until the next call. */
static void client_receive(struct client *client, struct client_message *ret_answer)
{
    enum link_class class;
    uint8_t *frame;
    size_t length;
    enum status status = link_client_recv(client->link, TIMEOUT_MS, &class, &frame, &length);
    if (status != STATUS_OK) {
        give_up("waiting for an answer", status);
    }
    struct arena arena = arena_over(client->arena, sizeof client->arena);
    status = client_decode(frame, length, &arena, LIMIT_VALIDATORS, ret_answer, NULL);
    free(frame);
    if (status != STATUS_OK) {
        give_up("an answer", status);
    }
}

static void send_submit(struct client *client, uint32_t batch)
{
    struct client_message message = {
        .kind = CLIENT_SUBMIT,
        .request = batch,
        .submit = {.batch = {.data = client->batches[batch], .length = client->lengths[batch]}}};
    client_send(client, &message, LINK_BATCH);
}

static void send_await(struct client *client, uint32_t batch)
{
    struct batch_header header;
    memcpy(&header, client->batches[batch], sizeof header);
    struct client_message message = {
        .kind = CLIENT_AWAIT,
        .request = batch,
        .await = {.batch_id = batch_id(&header), .wait_ms = TIMEOUT_MS}};
    client_send(client, &message, LINK_QUERY);
}

/* Takes one answer; true if it made a batch final. */
static bool take_answer(struct client *client)
{
    struct client_message answer;
    client_receive(client, &answer);
    if (answer.kind == CLIENT_BUSY) {
        struct timespec pause = {.tv_nsec = (long)answer.busy.retry_ms * 1000000};
        (void)nanosleep(&pause, NULL);
        send_submit(client, (uint32_t)answer.request);
    } else if (answer.kind == CLIENT_ACCEPTED || answer.kind == CLIENT_PENDING) {
        send_await(client, (uint32_t)answer.request);
    } else if (answer.kind == CLIENT_RECEIPT) {
        for (uint32_t i = 0; i < answer.receipt.verdict_count; i++) {
            client->posted += answer.receipt.verdicts[i] == 0;
            client->rejected += answer.receipt.verdicts[i] != 0;
        }
        return true;
    } else {
        (void)fprintf(stderr, "bench_network: %s: %s\n", client_message_name(answer.kind),
                      answer.kind == CLIENT_REFUSED ? answer.refused.sentence : "");
        exit(1);
    }
    return false;
}

/* ---- Batches ---- */

static void add_batch(struct client *client, const struct record *records, uint32_t count)
{
    struct hash *hashes = malloc(sizeof *hashes * count);
    CHECK(hashes != NULL);
    uint64_t now_ms = wall_ms();
    struct batch_header header = {.version = BATCH_VERSION,
                                  .kind = BATCH_RECORDS,
                                  .participant = client->config.participant,
                                  .key_no = client->config.key_no,
                                  .count = count,
                                  .created_ms = now_ms,
                                  .expires_ms = now_ms + LIMIT_BATCH_LIFE_MS,
                                  .chain_id = client->chain_id,
                                  .records_root = batch_records_root(records, count, hashes)};
    free(hashes);
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    struct signature signature;
    batch_signed_bytes(&header, signed_bytes);
    key_sign(client->key, signed_bytes, sizeof signed_bytes, &signature);
    size_t length = BATCH_PREFIX_BYTES + (size_t)count * RECORD_BYTES;
    uint8_t *bytes = malloc(length);
    CHECK(bytes != NULL);
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + BATCH_HEADER_BYTES, signature.bytes, sizeof signature.bytes);
    memcpy(bytes + BATCH_PREFIX_BYTES, records, (size_t)count * RECORD_BYTES);
    client->batches = realloc(client->batches, sizeof *client->batches * (client->batch_count + 1));
    client->lengths = realloc(client->lengths, sizeof *client->lengths * (client->batch_count + 1));
    CHECK(client->batches != NULL && client->lengths != NULL);
    client->batches[client->batch_count] = bytes;
    client->lengths[client->batch_count++] = length;
}

static uint32_t random_bank(const struct client *client, struct prng *prng)
{
    for (;;) {
        const struct genesis_participant *participant =
            &client->genesis->participants[prng_below(prng, client->genesis->participant_count)];
        if ((participant->roles & ROLE_BANK) && participant->number != client->config.participant) {
            return participant->number;
        }
    }
}

/* The first scheme with fees in which the payee may file. */
static const struct genesis_scheme *purchase_scheme(const struct genesis *genesis)
{
    for (uint32_t i = 0; i < genesis->scheme_count; i++) {
        const struct genesis_scheme *scheme = &genesis->schemes[i];
        if ((scheme->submitters & SIDE_PAYEE) && scheme->confirmations == 1 &&
            scheme->network != 0) {
            return scheme;
        }
    }
    (void)fprintf(stderr, "bench_network: this network has no scheme with fees for payees\n");
    exit(1);
}

static void make_purchases(struct client *client, uint64_t count, uint32_t each, uint64_t salt)
{
    const struct genesis_scheme *scheme = purchase_scheme(client->genesis);
    struct prng prng = prng_seeded(salt + client->config.participant);
    struct record *records = calloc(each, sizeof *records);
    CHECK(records != NULL);
    uint64_t number = 0;
    uint64_t started_ms = wall_ms();
    while (count > 0) {
        uint32_t used = count < each ? (uint32_t)count : each;
        for (uint32_t i = 0; i < used; i++) {
            struct record *record = &records[i];
            memset(record, 0, sizeof *record);
            put_be64(record->id.bytes, started_ms << 16 | (salt & 0xffff));
            put_be64(record->id.bytes + 8, ++number);
            record->amount = 100 + prng_below(&prng, 100000);
            record->interchange = (int64_t)(record->amount * 35 / 10000);
            record->payer_fee = (int64_t)(record->amount * 325 / 1000000);
            record->payee_fee = record->payer_fee;
            record->payer = random_bank(client, &prng);
            record->payee = client->config.participant;
            record->business_date = 20261123;
            record->kind = RECORD_CLEAR;
            record->scheme = scheme->number;
            record->currency = client->genesis->currencies[0].numeric;
            record->mcc = 5411;
        }
        add_batch(client, records, used);
        count -= used;
    }
    free(records);
}

static void fund_all(struct client *agent)
{
    struct record *records = calloc(agent->genesis->participant_count, sizeof *records);
    CHECK(records != NULL);
    uint32_t count = 0;
    uint64_t salt = wall_ms();
    for (uint32_t i = 0; i < agent->genesis->participant_count; i++) {
        const struct genesis_participant *participant = &agent->genesis->participants[i];
        if (!(participant->roles & (ROLE_BANK | ROLE_NETWORK | ROLE_FINTECH))) {
            continue;
        }
        struct record *record = &records[count++];
        put_be64(record->id.bytes, salt);
        put_be64(record->id.bytes + 8, count);
        record->match_key = record->id;
        record->amount = FUNDING_MINOR;
        record->payee = participant->number;
        record->business_date = 20261123;
        record->kind = RECORD_FUND;
        record->currency = agent->genesis->currencies[0].numeric;
    }
    add_batch(agent, records, count);
    free(records);
    send_submit(agent, 0);
    while (!take_answer(agent)) {
    }
    if (agent->rejected > 0) {
        give_up("funding is rejected", STATUS_DENIED);
    }
}

/* ---- Measuring ---- */

static void *submit_all(void *argument)
{
    struct client *client = argument;
    uint32_t sent = 0;
    uint32_t final = 0;
    while (final < client->batch_count) {
        while (sent < client->batch_count && sent - final < client->options->window) {
            send_submit(client, sent++);
        }
        final += take_answer(client);
    }
    return NULL;
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;
    return (*left > *right) - (*left < *right);
}

static void pause_ms(uint64_t ms)
{
    struct timespec pause = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* Submits count records one by one, after each other's receipts, and takes the times in us. */
static void take_latencies(struct client *client, uint32_t count, uint64_t *ret_times)
{
    uint32_t first = client->batch_count;
    make_purchases(client, count, 1, 77 + first);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t start = now_us();
        send_submit(client, first + i);
        while (!take_answer(client)) {
        }
        ret_times[i] = now_us() - start;
        pause_ms(20);
    }
}

static double print_latencies(const char *what, uint64_t *times, uint32_t count)
{
    double sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += (double)times[i] / 1000;
    }
    qsort(times, count, sizeof *times, compare_u64);
    (void)printf("idle submit-to-receipt%s, %u records one by one: mean %.1f ms, p50 %.1f ms, "
                 "p90 %.1f ms, p99 %.1f ms, max %.1f ms\n",
                 what, count, sum / count, (double)times[count / 2] / 1000,
                 (double)times[count * 9 / 10] / 1000, (double)times[count * 99 / 100] / 1000,
                 (double)times[count - 1] / 1000);
    return sum / count;
}

static void measure_latency(struct client *client, uint32_t count)
{
    uint64_t *times = calloc(count, sizeof *times);
    CHECK(times != NULL);
    take_latencies(client, count, times);
    (void)print_latencies("", times, count);
    free(times);
}

#define DEAD_ROUNDS 5
#define SILENCE_MS 6000 /* a validator not heard of for 5 s counts as dead (docs/consensus.md) */

/* A validator that this client is not connected to. */
static pid_t victim_of(const struct client *client)
{
    uint32_t own = 0;
    while (own < client->genesis->validator_count &&
           memcmp(client->genesis->validators[own].transport_key.bytes,
                  client->config.node_key.bytes, sizeof client->config.node_key.bytes) != 0) {
        own++;
    }
    CHECK(own < client->genesis->validator_count);
    return client->options->pids[(own + 2) % client->options->pid_count];
}

/* All alive and one stopped, in turns, so that whatever else the machine does falls on both. */
static void measure_dead(struct client *client, uint32_t count)
{
    pid_t victim = victim_of(client);
    uint64_t *alive = calloc(2 * (size_t)count, sizeof *alive);
    CHECK(alive != NULL && count >= DEAD_ROUNDS);
    uint64_t *dead = alive + count;
    uint32_t each = count / DEAD_ROUNDS;
    for (uint32_t round = 0; round < DEAD_ROUNDS; round++) {
        take_latencies(client, each, alive + (size_t)round * each);
        CHECK(kill(victim, SIGSTOP) == 0);
        pause_ms(SILENCE_MS);
        take_latencies(client, each, dead + (size_t)round * each);
        CHECK(kill(victim, SIGCONT) == 0);
        pause_ms(SILENCE_MS);
    }
    double all = print_latencies(", all alive", alive, DEAD_ROUNDS * each);
    double less = print_latencies(", one of them dead", dead, DEAD_ROUNDS * each);
    (void)printf("one dead costs %.2f times the mean of all alive\n", less / all);
    free(alive);
}

static void measure_throughput(struct client **banks, uint32_t bank_count,
                               const struct options *options)
{
    pthread_t threads[CLIENTS_MAX];
    for (uint32_t i = 0; i < bank_count; i++) {
        make_purchases(banks[i], options->records / bank_count, options->batch, 1);
    }
    uint64_t start = now_us();
    for (uint32_t i = 0; i < bank_count; i++) {
        CHECK(pthread_create(&threads[i], NULL, submit_all, banks[i]) == 0);
    }
    for (uint32_t i = 0; i < bank_count; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    double seconds = (double)(now_us() - start) / 1e6;
    uint64_t posted = 0;
    uint64_t rejected = 0;
    for (uint32_t i = 0; i < bank_count; i++) {
        posted += banks[i]->posted;
        rejected += banks[i]->rejected;
    }
    (void)printf("%u clients, batches of %u: %llu records final (%llu rejected) in %.2f s: "
                 "%.0f records/s\n",
                 bank_count, options->batch, (unsigned long long)(posted + rejected),
                 (unsigned long long)rejected, seconds, (double)(posted + rejected) / seconds);
}

static struct client *open_profile(const struct options *options, const struct genesis *genesis,
                                   const struct hash *chain_id, const char *name)
{
    char folder[2048];
    (void)snprintf(folder, sizeof folder, "%s/clients/%s", options->net, name);
    struct client *client = aligned_alloc(16, (sizeof *client + 15) & ~(size_t)15);
    CHECK(client != NULL);
    memset(client, 0, sizeof *client);
    client->options = options;
    client->genesis = genesis;
    client->chain_id = *chain_id;
    client_load(client, folder);
    return client;
}

static bool has_role(const struct client *client, enum role role)
{
    for (uint32_t i = 0; i < client->genesis->participant_count; i++) {
        const struct genesis_participant *participant = &client->genesis->participants[i];
        if (participant->number == client->config.participant) {
            return (participant->roles & (unsigned)role) != 0;
        }
    }
    return false;
}

static void run(const struct options *options)
{
    char path[2048];
    char error[1024];
    struct genesis genesis;
    (void)snprintf(path, sizeof path, "%s/genesis.json", options->net);
    if (genesis_file_read(path, &genesis, error, sizeof error) != STATUS_OK) {
        (void)fprintf(stderr, "bench_network: %s\n", error);
        exit(1);
    }
    struct hash chain_id = genesis_file_chain_id(&genesis);
    (void)snprintf(path, sizeof path, "%s/clients", options->net);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        give_up(path, STATUS_NOT_FOUND);
    }
    struct client *agent = NULL;
    struct client *banks[CLIENTS_MAX];
    uint32_t bank_count = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        struct client *client = open_profile(options, &genesis, &chain_id, entry->d_name);
        if (has_role(client, ROLE_AGENT)) {
            agent = client;
            client_connect(client);
        } else if (has_role(client, ROLE_BANK) && bank_count < CLIENTS_MAX) {
            banks[bank_count++] = client;
            client_connect(client);
        }
    }
    (void)closedir(folder);
    if (agent == NULL || bank_count < 2) {
        (void)fprintf(stderr, "bench_network: an agent and two banks are needed in %s\n", path);
        exit(1);
    }
    fund_all(agent);
    if (options->pid_count > 0) {
        measure_dead(banks[0], options->latency);
        return;
    }
    if (options->latency > 0) {
        measure_latency(banks[0], options->latency);
        banks[0]->posted = 0;
        banks[0]->rejected = 0;
        banks[0]->batch_count = 0;
    }
    measure_throughput(banks, bank_count, options);
}

static void read_pids(struct options *options, char *list)
{
    for (char *pid = strtok(list, ","); pid != NULL; pid = strtok(NULL, ",")) {
        CHECK(options->pid_count < LIMIT_VALIDATORS && atol(pid) > 1);
        options->pids[options->pid_count++] = (pid_t)atol(pid);
    }
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"records", required_argument, NULL, 'r'}, {"batch", required_argument, NULL, 'b'},
        {"window", required_argument, NULL, 'w'},  {"latency", required_argument, NULL, 'l'},
        {"dead", required_argument, NULL, 'd'},    {NULL, 0, NULL, 0}};
    struct options options = {.records = 200000, .batch = 4096, .window = 4, .latency = 200};
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        unsigned long value = option == '?' ? 0 : strtoul(optarg, NULL, 10);
        if (option == 'r' && value > 0) {
            options.records = value;
        } else if (option == 'b' && value > 0 && value <= LIMIT_BATCH_RECORDS) {
            options.batch = (uint32_t)value;
        } else if (option == 'w' && value > 0) {
            options.window = (uint32_t)value;
        } else if (option == 'l') {
            options.latency = (uint32_t)value;
        } else if (option == 'd') {
            read_pids(&options, optarg);
        } else {
            (void)fprintf(stderr, "bench_network: see the first lines of bench_network.c\n");
            return 2;
        }
    }
    if (optind + 1 != argc) {
        (void)fprintf(stderr, "Usage: bench_network NET [--records N] [--batch N] [--window N] "
                              "[--latency N] [--dead PID,...]\n");
        return 2;
    }
    options.net = argv[optind];
    CHECK(sodium_init() >= 0);
    run(&options);
    return 0;
}
