/// bcrypt_pbkdf: PBKDF2 (RFC 8018) over bcrypt's hash instead of an HMAC, its output bytes
/// spread over the blocks. Written from the description of the two; tested against ssh-keygen.
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "ckeys.h"
#include "pi.h"

enum { hash_bytes = 32, hash_words = hash_bytes / 4 };

struct blowfish {
    uint32_t p[18];
    uint32_t s[4][256];
};

static void reset(struct blowfish *state) {
    memcpy(state->p, ckeys_pi, sizeof state->p);
    memcpy(state->s, ckeys_pi + 18, sizeof state->s);
}

static inline uint32_t mix(const struct blowfish *state, uint32_t x) {
    return ((state->s[0][x >> 24] + state->s[1][x >> 16 & 255]) ^ state->s[2][x >> 8 & 255]) +
           state->s[3][x & 255];
}

static void encipher(const struct blowfish *state, uint32_t *left, uint32_t *right) {
    uint32_t l = *left, r = *right;
    for (int round = 0; round < 16; round += 2) {
        l ^= state->p[round];
        r ^= mix(state, l);
        r ^= state->p[round + 1];
        l ^= mix(state, r);
    }
    *left = r ^ state->p[17];
    *right = l ^ state->p[16];
}

/// The next four bytes of a string that repeats without end.
static uint32_t next_word(const uint8_t *bytes, size_t length, size_t *position) {
    uint32_t word = 0;
    for (int i = 0; i < 4; i++) {
        word = word << 8 | bytes[*position];
        *position = (*position + 1) % length;
    }
    return word;
}

/// Works a key into the state; with a salt (may be NULL) stirred into each step.
static void expand(struct blowfish *state, const uint8_t *salt, size_t salt_length,
                   const uint8_t *key, size_t key_length) {
    size_t position = 0;
    for (int i = 0; i < 18; i++) state->p[i] ^= next_word(key, key_length, &position);
    uint32_t l = 0, r = 0;
    position = 0;
    for (int i = 0; i < 18 + 1024; i += 2) {
        if (salt) {
            l ^= next_word(salt, salt_length, &position);
            r ^= next_word(salt, salt_length, &position);
        }
        encipher(state, &l, &r);
        uint32_t *pair = i < 18 ? &state->p[i] : &state->s[(i - 18) / 256][(i - 18) % 256];
        pair[0] = l;
        pair[1] = r;
    }
}

/// bcrypt with a cost of 6 over two SHA-512 digests, on a text of its own.
static void hash(struct blowfish *state, const uint8_t key[64], const uint8_t salt[64],
                 uint8_t output[hash_bytes]) {
    static const uint8_t text[] = "OxychromaticBlowfishSwatDynamite";
    reset(state);
    expand(state, salt, 64, key, 64);
    for (int i = 0; i < 64; i++) {
        expand(state, NULL, 0, salt, 64);
        expand(state, NULL, 0, key, 64);
    }
    uint32_t words[hash_words];
    size_t position = 0;
    for (int i = 0; i < hash_words; i++) words[i] = next_word(text, hash_bytes, &position);
    for (int i = 0; i < 64; i++)
        for (int j = 0; j < hash_words; j += 2) encipher(state, &words[j], &words[j + 1]);
    // bcrypt's words go out with their least byte first.
    for (int i = 0; i < hash_words; i++)
        for (int j = 0; j < 4; j++) output[4 * i + j] = (uint8_t)(words[i] >> (8 * j));
}

int ckeys_bcrypt_pbkdf(const uint8_t *passphrase, size_t passphrase_length, const uint8_t *salt,
                       size_t salt_length, uint32_t rounds, uint8_t *output, size_t output_length) {
    if (rounds == 0 || passphrase_length == 0 || salt_length == 0 || salt_length > 1 << 20 ||
        output_length == 0 || output_length > hash_bytes * hash_bytes)
        return -1;
    struct blowfish *state = malloc(sizeof *state);
    uint8_t *counted = malloc(salt_length + 4);
    if (!state || !counted) {
        free(state);
        free(counted);
        return -1;
    }
    uint8_t key[64], salted[64], round[hash_bytes], sum[hash_bytes];
    SHA512(passphrase, passphrase_length, key);
    memcpy(counted, salt, salt_length);
    size_t stride = (output_length + hash_bytes - 1) / hash_bytes;
    for (uint32_t block = 1; block <= stride; block++) {
        for (int i = 0; i < 4; i++) counted[salt_length + i] = (uint8_t)(block >> (24 - 8 * i));
        SHA512(counted, salt_length + 4, salted);
        hash(state, key, salted, round);
        memcpy(sum, round, hash_bytes);
        for (uint32_t count = 1; count < rounds; count++) {
            SHA512(round, hash_bytes, salted);
            hash(state, key, salted, round);
            for (int i = 0; i < hash_bytes; i++) sum[i] ^= round[i];
        }
        for (size_t i = 0; i < hash_bytes; i++) {
            size_t place = i * stride + (block - 1);
            if (place < output_length) output[place] = sum[i];
        }
    }
    ckeys_wipe(state, sizeof *state);
    ckeys_wipe(key, sizeof key);
    ckeys_wipe(round, sizeof round);
    ckeys_wipe(sum, sizeof sum);
    free(state);
    free(counted);
    return 0;
}
