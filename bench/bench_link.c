/*
 * bench_link: what the links carry over loopback in one process, encrypted: bytes a second with
 * frames of the size of a batch, in one direction and in both, and frames a second with frames of
 * the size of a vote. Usage: bench_link [seconds], 2 by default.
 */
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "node/link.h"

struct end {
    struct links *links;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t id;
    uint64_t rooms;
    _Atomic uint64_t frames;
    _Atomic uint64_t bytes;
    atomic_bool stop;
};

static struct noise_key_pair keys[2];

static bool on_allow(void *context, const struct transport_key *key,
                     struct link_identity *ret_identity)
{
    (void)context;
    (void)key;
    ret_identity->kind = LINK_VALIDATOR;
    ret_identity->validator = 1;
    return true;
}

static void on_up(void *context, uint64_t id, const struct link_identity *identity)
{
    struct end *end = context;
    (void)identity;
    CHECK(pthread_mutex_lock(&end->mutex) == 0);
    end->id = id;
    CHECK(pthread_cond_broadcast(&end->changed) == 0);
    CHECK(pthread_mutex_unlock(&end->mutex) == 0);
}

static void on_down(void *context, uint64_t id, const struct link_identity *identity,
                    enum link_reason reason)
{
    (void)context;
    (void)id;
    (void)identity;
    (void)reason;
}

static void on_room(void *context, uint64_t id, enum link_class class)
{
    struct end *end = context;
    (void)id;
    (void)class;
    CHECK(pthread_mutex_lock(&end->mutex) == 0);
    end->rooms++;
    CHECK(pthread_cond_broadcast(&end->changed) == 0);
    CHECK(pthread_mutex_unlock(&end->mutex) == 0);
}

static bool on_frame(void *context, uint64_t id, const struct link_identity *identity,
                     enum link_class class, uint8_t *frame, size_t length)
{
    struct end *end = context;
    (void)id;
    (void)identity;
    (void)class;
    (void)atomic_fetch_add_explicit(&end->frames, 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&end->bytes, length, memory_order_relaxed);
    free(frame);
    return true;
}

static void end_open(struct end *end, int32_t index, const char *url)
{
    const struct links_callbacks callbacks = {.context = end,
                                              .allow = on_allow,
                                              .up = on_up,
                                              .down = on_down,
                                              .frame = on_frame,
                                              .room = on_room};
    struct link_validator validators[2] = {{keys[0].public_key, url}, {keys[1].public_key, url}};
    struct links_config config;
    CHECK(pthread_mutex_init(&end->mutex, NULL) == 0);
    CHECK(pthread_cond_init(&end->changed, NULL) == 0);
    links_config_init(&config);
    config.url = "tcp://127.0.0.1:0";
    config.own_key = keys[index];
    config.validators = validators;
    config.validator_count = 2;
    config.own_index = index;
    CHECK(links_open(&config, &callbacks, &end->links) == STATUS_OK);
}

static void wait_up(struct end *end)
{
    CHECK(pthread_mutex_lock(&end->mutex) == 0);
    while (end->id == 0) {
        CHECK(pthread_cond_wait(&end->changed, &end->mutex) == 0);
    }
    CHECK(pthread_mutex_unlock(&end->mutex) == 0);
}

struct load {
    struct end *from;
    enum link_class class;
    size_t length;
    pthread_t thread;
};

static void *run_load(void *argument)
{
    struct load *load = argument;
    struct end *end = load->from;
    struct link_buffer *buffer = link_buffer_new(load->length);
    CHECK(buffer != NULL);
    memset(buffer->bytes, 'h', load->length);
    while (!atomic_load(&end->stop)) {
        CHECK(pthread_mutex_lock(&end->mutex) == 0);
        uint64_t rooms = end->rooms;
        CHECK(pthread_mutex_unlock(&end->mutex) == 0);
        enum status status = links_send_buffer(end->links, end->id, load->class, buffer);
        CHECK(status == STATUS_OK || status == STATUS_BUSY);
        CHECK(pthread_mutex_lock(&end->mutex) == 0);
        while (status == STATUS_BUSY && end->rooms == rooms && !atomic_load(&end->stop)) {
            CHECK(pthread_cond_wait(&end->changed, &end->mutex) == 0);
        }
        CHECK(pthread_mutex_unlock(&end->mutex) == 0);
    }
    link_buffer_unref(buffer);
    return NULL;
}

static void stop(struct end *end)
{
    CHECK(pthread_mutex_lock(&end->mutex) == 0);
    atomic_store(&end->stop, true);
    CHECK(pthread_cond_broadcast(&end->changed) == 0);
    CHECK(pthread_mutex_unlock(&end->mutex) == 0);
}

static void measure(const char *name, enum link_class class, size_t length, unsigned directions,
                    double seconds)
{
    static struct end ends[2];
    struct load loads[2];
    char url[64];
    memset(ends, 0, sizeof ends);
    end_open(&ends[0], 0, "tcp://127.0.0.1:1");
    (void)snprintf(url, sizeof url, "tcp://127.0.0.1:%u", links_port(ends[0].links));
    end_open(&ends[1], 1, url);
    wait_up(&ends[0]);
    wait_up(&ends[1]);
    for (unsigned i = 0; i < directions; i++) {
        loads[i] = (struct load){&ends[i], class, length, 0};
        CHECK(pthread_create(&loads[i].thread, NULL, run_load, &loads[i]) == 0);
    }
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    (void)nanosleep(&time, NULL);
    uint64_t bytes = atomic_load(&ends[0].bytes) + atomic_load(&ends[1].bytes);
    uint64_t frames = atomic_load(&ends[0].frames) + atomic_load(&ends[1].frames);
    for (unsigned i = 0; i < directions; i++) {
        stop(&ends[i]);
        CHECK(pthread_join(loads[i].thread, NULL) == 0);
    }
    links_close(ends[0].links);
    links_close(ends[1].links);
    printf("%-28s %10.1f MB/s %12.0f frames/s\n", name, (double)bytes / seconds / 1e6,
           (double)frames / seconds);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 2;
    CHECK(sodium_init() >= 0);
    noise_key_pair_generate(&keys[0]);
    noise_key_pair_generate(&keys[1]);
    /* The smaller key dials, and the second end is the one that knows where. */
    if (memcmp(keys[0].public_key.bytes, keys[1].public_key.bytes, NOISE_KEY_BYTES) < 0) {
        struct noise_key_pair larger = keys[1];
        keys[1] = keys[0];
        keys[0] = larger;
    }
    measure("batches, one direction", LINK_BATCH, 1310720, 1, seconds);
    measure("batches, both directions", LINK_BATCH, 1310720, 2, seconds);
    measure("queries of 200 bytes", LINK_QUERY, 200, 1, seconds);
    return 0;
}
