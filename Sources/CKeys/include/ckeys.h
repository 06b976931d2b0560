/// Private key files and signatures, by libcrypto. Nothing here is bound to a thread.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Has libcrypto leave its state alone when the process exits: a thread that is still at work with it
/// would crash, and exit(3) would end in a signal. To be called before anything else uses libcrypto.
void ckeys_prepare(void);

/// A private key. Freed by ckeys_free.
typedef struct ckeys_key ckeys_key;

/// A key from its parts; NULL where they make none.
ckeys_key *ckeys_ed25519(const uint8_t *seed, size_t seed_length);
ckeys_key *ckeys_ecdsa(const char *curve, const uint8_t *point, size_t point_length,
                       const uint8_t *scalar, size_t scalar_length);
ckeys_key *ckeys_rsa(const uint8_t *n, size_t n_length, const uint8_t *e, size_t e_length,
                     const uint8_t *d, size_t d_length);

/// A key from PEM text (PKCS #1, SEC 1, PKCS #8), encrypted where a passphrase is given.
ckeys_key *ckeys_pem(const uint8_t *text, size_t length, const char *passphrase);

void ckeys_free(ckeys_key *key);

/// The public part in pieces: `ssh-ed25519` (the key), `ssh-rsa` (e, then n), `ecdsa-sha2-nistp…`
/// (the point). Returns the type's name or NULL; buffers hold at most their given length, which is
/// replaced by the length used.
const char *ckeys_public(const ckeys_key *key, uint8_t *first, size_t *first_length, uint8_t *second,
                         size_t *second_length);

/// Signs; `digest` is NULL for Ed25519, else libcrypto's name: `SHA256`. An ECDSA signature is r and
/// s, each in half of what is stored. Returns the length stored, 0 on failure.
size_t ckeys_sign(const ckeys_key *key, const char *digest, const uint8_t *data, size_t length,
                  uint8_t *signature, size_t capacity);

/// Decrypts in place with a cipher of libcrypto's name: `AES-256-CTR`. `tag` (16 bytes) is NULL
/// unless the cipher is an AEAD. Returns 0, or -1 where it fails.
int ckeys_decrypt(const char *cipher, const uint8_t *key, const uint8_t *iv, const uint8_t *tag,
                  uint8_t *data, size_t length);

/// The key derivation of OpenSSH's private key files (bcrypt_pbkdf). Slow by intent.
/// Returns 0, or -1 where memory or a parameter is lacking.
int ckeys_bcrypt_pbkdf(const uint8_t *passphrase, size_t passphrase_length, const uint8_t *salt,
                       size_t salt_length, uint32_t rounds, uint8_t *output, size_t output_length);

/// Overwrites memory so that no optimizer leaves it out.
void ckeys_wipe(void *memory, size_t length);
