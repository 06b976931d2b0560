#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <string.h>

#include "ckeys.h"

void ckeys_prepare(void) { OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL); }

// A ckeys_key is an EVP_PKEY under another name, so that no header of libcrypto reaches Swift.
static EVP_PKEY *pkey(const ckeys_key *key) { return (EVP_PKEY *)key; }

ckeys_key *ckeys_ed25519(const uint8_t *seed, size_t seed_length) {
    return (ckeys_key *)EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, seed_length);
}

static ckeys_key *from_parameters(const char *type, OSSL_PARAM_BLD *builder) {
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (parameters && context && EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return (ckeys_key *)key;
}

ckeys_key *ckeys_ecdsa(const char *curve, const uint8_t *point, size_t point_length,
                       const uint8_t *scalar, size_t scalar_length) {
    ckeys_key *key = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *d = BN_bin2bn(scalar, (int)scalar_length, NULL);
    if (builder && d &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, point_length) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, d))
        key = from_parameters("EC", builder);
    BN_clear_free(d);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

ckeys_key *ckeys_rsa(const uint8_t *n, size_t n_length, const uint8_t *e, size_t e_length,
                     const uint8_t *d, size_t d_length) {
    ckeys_key *key = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn(n, (int)n_length, NULL);
    BIGNUM *exponent = BN_bin2bn(e, (int)e_length, NULL);
    BIGNUM *secret = BN_bin2bn(d, (int)d_length, NULL);
    if (builder && modulus && exponent && secret &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_D, secret))
        key = from_parameters("RSA", builder);
    BN_free(modulus);
    BN_free(exponent);
    BN_clear_free(secret);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

/// Without a passphrase libcrypto would ask on the terminal; it must not.
static int give_passphrase(char *buffer, int size, int writing, void *passphrase) {
    (void)writing;
    if (!passphrase) return -1;
    size_t length = strlen(passphrase);
    if (length > (size_t)size) return -1;
    memcpy(buffer, passphrase, length);
    return (int)length;
}

ckeys_key *ckeys_pem(const uint8_t *text, size_t length, const char *passphrase) {
    BIO *bio = BIO_new_mem_buf(text, (int)length);
    if (!bio) return NULL;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, (void *)passphrase);
    BIO_free(bio);
    return (ckeys_key *)key;
}

void ckeys_free(ckeys_key *key) { EVP_PKEY_free(pkey(key)); }

static int big_number(const EVP_PKEY *key, const char *name, uint8_t *bytes, size_t *length) {
    BIGNUM *number = NULL;
    int done = 0;
    if (EVP_PKEY_get_bn_param(key, name, &number) == 1 && (size_t)BN_num_bytes(number) <= *length) {
        *length = (size_t)BN_bn2bin(number, bytes);
        done = 1;
    }
    BN_free(number);
    return done;
}

const char *ckeys_public(const ckeys_key *key, uint8_t *first, size_t *first_length, uint8_t *second,
                         size_t *second_length) {
    EVP_PKEY *k = pkey(key);
    if (EVP_PKEY_is_a(k, "ED25519")) {
        *second_length = 0;
        return EVP_PKEY_get_raw_public_key(k, first, first_length) == 1 ? "ssh-ed25519" : NULL;
    }
    if (EVP_PKEY_is_a(k, "RSA")) {
        if (!big_number(k, OSSL_PKEY_PARAM_RSA_E, first, first_length) ||
            !big_number(k, OSSL_PKEY_PARAM_RSA_N, second, second_length))
            return NULL;
        return "ssh-rsa";
    }
    char group[32];
    size_t length = 0;
    if (!EVP_PKEY_is_a(k, "EC") ||
        EVP_PKEY_get_utf8_string_param(k, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &length) !=
            1 ||
        EVP_PKEY_set_utf8_string_param(k, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                       "uncompressed") != 1 ||
        EVP_PKEY_get_octet_string_param(k, OSSL_PKEY_PARAM_PUB_KEY, first, *first_length, &length) !=
            1)
        return NULL;
    *first_length = length;
    *second_length = 0;
    if (strcmp(group, "prime256v1") == 0) return "ecdsa-sha2-nistp256";
    if (strcmp(group, "secp384r1") == 0) return "ecdsa-sha2-nistp384";
    if (strcmp(group, "secp521r1") == 0) return "ecdsa-sha2-nistp521";
    return NULL;
}

/// The two numbers of an ECDSA signature, each padded to the same size.
static size_t flatten(const uint8_t *der, size_t length, size_t half, uint8_t *signature,
                      size_t capacity) {
    ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &der, (long)length);
    if (!parts) return 0;
    int done = 2 * half <= capacity &&
               BN_bn2binpad(ECDSA_SIG_get0_r(parts), signature, (int)half) >= 0 &&
               BN_bn2binpad(ECDSA_SIG_get0_s(parts), signature + half, (int)half) >= 0;
    ECDSA_SIG_free(parts);
    return done ? 2 * half : 0;
}

size_t ckeys_sign(const ckeys_key *key, const char *digest, const uint8_t *data, size_t length,
                  uint8_t *signature, size_t capacity) {
    EVP_PKEY *k = pkey(key);
    uint8_t raw[1024];
    size_t count = sizeof raw;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int done = context && EVP_DigestSignInit_ex(context, NULL, digest, NULL, NULL, k, NULL) == 1 &&
               EVP_DigestSign(context, raw, &count, data, length) == 1;
    EVP_MD_CTX_free(context);
    if (!done) return 0;
    if (EVP_PKEY_is_a(k, "EC"))
        return flatten(raw, count, ((size_t)EVP_PKEY_get_bits(k) + 7) / 8, signature, capacity);
    if (count > capacity) return 0;
    memcpy(signature, raw, count);
    return count;
}

int ckeys_decrypt(const char *cipher, const uint8_t *key, const uint8_t *iv, const uint8_t *tag,
                  uint8_t *data, size_t length) {
    int count = 0, rest = 0, done = 0;
    EVP_CIPHER *algorithm = EVP_CIPHER_fetch(NULL, cipher, NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (algorithm && context && EVP_DecryptInit_ex2(context, algorithm, key, iv, NULL) == 1) {
        EVP_CIPHER_CTX_set_padding(context, 0);
        if (tag) EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, (void *)tag);
        done = EVP_DecryptUpdate(context, data, &count, data, (int)length) == 1 &&
               EVP_DecryptFinal_ex(context, data + count, &rest) == 1;
    }
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(algorithm);
    return done ? 0 : -1;
}

void ckeys_wipe(void *memory, size_t length) { OPENSSL_cleanse(memory, length); }
