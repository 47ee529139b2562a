// Runs a fuzz target without libFuzzer, as an ordinary test: first over every file of its corpus,
// then over pseudo-random inputs from a fixed seed, so that a build without clang still sees each
// decoder meet garbage. A crash or a sanitizer's finding is the failure; the last input's origin is
// printed by then.
#include <dirent.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INPUT_BYTES_MAX = 1 << 20,
    RANDOM_INPUTS = 20000,
    RANDOM_BYTES_MAX = 1024,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
// A slow target defines it, for fewer.
extern const int fuzz_random_inputs __attribute__((weak));

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

// Steele, Lea and Flood, SplitMix64.
static uint64_t random_next(void)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = random_state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

// The input is copied to a block of exactly its size, so that a read past its end is seen.
static void run_one(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        fprintf(stderr, "replay: out of memory\n");
        exit(1);
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int run_file(const char *path, uint8_t *buffer)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "replay: cannot open %s\n", path);
        return 1;
    }
    fprintf(stderr, "replay: %s\n", path);
    size_t size = fread(buffer, 1, INPUT_BYTES_MAX, file);
    (void)fclose(file);
    run_one(buffer, size);
    return 0;
}

static int run_corpus(const char *folder, uint8_t *buffer)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        fprintf(stderr, "replay: no corpus at %s\n", folder);
        return 0;
    }
    int failures = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (length < 0 || (size_t)length >= sizeof path) {
            failures++;
            continue;
        }
        failures += run_file(path, buffer);
    }
    (void)closedir(dir);
    return failures;
}

int main(int argc, char **argv)
{
    uint8_t *buffer = malloc(INPUT_BYTES_MAX);
    if (buffer == NULL) {
        fprintf(stderr, "replay: out of memory\n");
        return 1;
    }
    int failures = 0;
    for (int i = 1; i < argc; i++) {
        failures += run_corpus(argv[i], buffer);
    }
    const int inputs = &fuzz_random_inputs != NULL ? fuzz_random_inputs : RANDOM_INPUTS;
    fprintf(stderr, "replay: %d random inputs, seed %" PRIu64 "\n", inputs, random_state);
    for (int i = 0; i < inputs; i++) {
        size_t size = (size_t)(random_next() % RANDOM_BYTES_MAX);
        for (size_t j = 0; j < size; j++) {
            // Mostly small values: lengths and tags that lead past the first check.
            uint64_t r = random_next();
            buffer[j] = (uint8_t)((r >> 32) % 4 != 0 ? r % 16 : r);
        }
        run_one(buffer, size);
    }
    free(buffer);
    return failures == 0 ? 0 : 1;
}
