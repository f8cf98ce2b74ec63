//! `k6/encoding`, `k6/crypto`, webcrypto, TextEncoder and TextDecoder.

use super::driver::Driver;

/// What a function with this body returns or throws, as text; promises are awaited.
#[track_caller]
fn check(body: &str, want: &str) {
    let mut driver = Driver::default();
    let mut vu = driver.vu(&format!(
        "import encoding, {{ b64encode, b64decode }} from 'k6/encoding';
         import k6crypto from 'k6/crypto';
         const hex = (bytes) => k6crypto.hexEncode(bytes);
         const bytes = (...list) => new Uint8Array(list);
         const thrown = async (body) => {{ try {{ return await body() }} catch (e) {{ return `${{e.name}}: ${{e.message}}` }} }};
         export default async function () {{ console.log(await (async () => {{ {body} }})()) }}"
    ));
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), [want], "{body}");
}

#[test]
fn base64_has_four_variants_and_two_formats() {
    check("return b64encode('hello world')", "aGVsbG8gd29ybGQ=");
    check("return b64encode('hello world', 'rawstd')", "aGVsbG8gd29ybGQ");
    check("return b64encode(bytes(251, 255, 254), 'url')", "-__-");
    check("return b64encode(bytes(251, 255, 254).buffer, 'nonsense')", "+//+");
    check("return b64encode(bytes(251, 255), 'rawurl')", "-_8");
    check("return b64decode('aGVsbG8=', 'std', 's')", "hello");
    check("return b64decode('aGVsbG8', 'rawstd', 's')", "hello");
    check("return b64decode('-_8', 'rawurl')", "ArrayBuffer { [Uint8Contents]: <fb ff>, byteLength: 2 }");
    check("return b64decode('4pyT', undefined, 's') + encoding.b64encode('✓')", "✓4pyT");
}

#[test]
fn what_is_no_base64_or_no_bytes_is_refused_in_gos_words() {
    check("return thrown(() => b64decode('a!'))", "GoError: illegal base64 data at input byte 1");
    check("return thrown(() => b64decode('aGVsbG8', 'std'))", "GoError: illegal base64 data at input byte 4");
    let why = "expected string, []byte or ArrayBuffer";
    check("return thrown(() => b64encode(5))", &format!("GoError: invalid type int64, {why}"));
    check(
        "return thrown(() => k6crypto.md5({}, 'hex'))",
        &format!("GoError: md5 failed: invalid type map[string]interface {{}}, {why}"),
    );
    check("return thrown(() => hex(null))", &format!("GoError: invalid type <nil>, {why}"));
}

#[test]
fn hashes_are_those_of_the_standards() {
    check("return k6crypto.md4('abc', 'hex')", "a448017aaf21d8525fc10ae87aa6729d");
    check("return k6crypto.md5('abc', 'hex')", "900150983cd24fb0d6963f7d28e17f72");
    check("return k6crypto.sha1('abc', 'hex')", "a9993e364706816aba3e25717850c26c9cd0d89d");
    check("return k6crypto.ripemd160('abc', 'hex')", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
    check(
        "return k6crypto.sha256('abc', 'hex')",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    check("return k6crypto.sha384('abc', 'hex').slice(0, 16)", "cb00753f45a35e8b");
    check("return k6crypto.sha512('abc', 'hex').slice(0, 16)", "ddaf35a193617aba");
    check("return k6crypto.sha512_224('abc', 'hex').slice(0, 16)", "4634270f707b6a54");
    check("return k6crypto.sha512_256('abc', 'hex').slice(0, 16)", "53048e2681941ef9");
}

#[test]
fn sums_come_in_five_encodings() {
    check("return k6crypto.md5('abc', 'base64')", "kAFQmDzST7DWlj99KOF/cg==");
    check("return k6crypto.md5('abc', 'base64url')", "kAFQmDzST7DWlj99KOF_cg==");
    check("return k6crypto.md5('abc', 'base64rawurl')", "kAFQmDzST7DWlj99KOF_cg");
    check("return hex(k6crypto.md5(bytes(97, 98, 99).buffer, 'binary'))", "900150983cd24fb0d6963f7d28e17f72");
    check("return thrown(() => k6crypto.md5('', 'other'))", "GoError: invalid output encoding: other");
    check("return thrown(() => k6crypto.md5(''))", "GoError: invalid output encoding: ");
}

#[test]
fn hashers_go_on_after_they_were_asked() {
    check(
        "const h = k6crypto.createHash('sha1'); h.update('a'); const first = h.digest('hex'); h.update(bytes(98, 99));
         return [first === k6crypto.sha1('a', 'hex'), h.digest('hex')].join()",
        "true,a9993e364706816aba3e25717850c26c9cd0d89d",
    );
    check("return thrown(() => k6crypto.createHash('crc'))", "GoError: invalid algorithm: crc");
}

#[test]
fn hmacs_are_keyed_hashes() {
    let want = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
    let text = "The quick brown fox jumps over the lazy dog";
    check(&format!("return k6crypto.hmac('sha256', 'key', '{text}', 'hex')"), want);
    check(
        &format!(
            "const h = k6crypto.createHMAC('sha256', 'key'); h.update('{text}'); return h.digest('hex')"
        ),
        want,
    );
    check(
        &format!("return k6crypto.hmac('md5', bytes(107, 101, 121), '{text}', 'hex')"),
        "80070713463e7749b90c2dc24911e275",
    );
    check("return thrown(() => k6crypto.hmac('x', 'k', '', 'hex'))", "GoError: invalid algorithm: x");
}

#[test]
fn random_bytes_are_as_many_as_asked_for_and_differ() {
    check("return k6crypto.randomBytes(5).byteLength", "5");
    check("return hex(k6crypto.randomBytes(16)) === hex(k6crypto.randomBytes(16))", "false");
    check("return thrown(() => k6crypto.randomBytes(0))", "GoError: invalid size");
    check(
        "return thrown(() => k6crypto.randomBytes(1e12))",
        "RangeError: randomBytes() gives at most 256 MiB at a time",
    );
}

#[test]
fn the_crypto_global_gives_random_values() {
    check(
        "const a = new Uint32Array(8); return crypto.getRandomValues(a) === a && a.some((n) => n > 65535)",
        "true",
    );
    check("const a = bytes(0, 0, 0, 7); crypto.getRandomValues(a.subarray(0, 3)); return a[3]", "7");
    check(
        "return thrown(() => crypto.getRandomValues(new Uint8Array(65537)))",
        "QuotaExceededError: typedArray parameter is too big; maximum length is 65536 bytes",
    );
    check(
        "return thrown(() => crypto.getRandomValues(new Float32Array(1)))",
        "TypeMismatchError: typedArray parameter isn't a TypedArray instance",
    );
    check(
        "return /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())",
        "true",
    );
    check("return crypto === crypto && typeof crypto.subtle", "object");
}

#[test]
fn digests_are_promised() {
    check(
        "return hex(await crypto.subtle.digest('SHA-256', bytes(97, 98, 99)))",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    check(
        "return hex(await crypto.subtle.digest({ name: 'sha-1' }, bytes().buffer)).slice(0, 8)",
        "da39a3ee",
    );
    check(
        "return thrown(() => crypto.subtle.digest('MD5', bytes()))",
        "NotSupportedError: unsupported digest algorithm 'MD5', accepted values are: SHA-1, SHA-256, SHA-384, and SHA-512",
    );
    check(
        "return thrown(() => crypto.subtle.digest('SHA-1', 'text'))",
        "TypeError: data must be an ArrayBuffer, TypedArray, or DataView",
    );
}

/// With `key` imported from `key` in ASCII.
#[track_caller]
fn check_key(body: &str, want: &str) {
    check(
        &format!(
            "const subtle = crypto.subtle, algorithm = {{ name: 'HMAC', hash: {{ name: 'SHA-256' }} }};
             const key = await subtle.importKey('raw', bytes(107, 101, 121), algorithm, true, ['sign', 'verify']);
             {body}"
        ),
        want,
    );
}

#[test]
fn hmac_keys_sign_and_verify() {
    check_key(
        "const signature = await subtle.sign('HMAC', key, new TextEncoder().encode('data'));
         return [hex(signature) === k6crypto.hmac('sha256', 'key', 'data', 'hex'),
                 await subtle.verify('HMAC', key, signature, new TextEncoder().encode('data')),
                 await subtle.verify('HMAC', key, signature, new TextEncoder().encode('date'))].join()",
        "true,true,false",
    );
    check_key(
        "return key",
        "{ type: \"secret\", extractable: true, algorithm: { name: \"HMAC\", hash: { name: \"SHA-256\" }, length: 24 }, usages: [ \"sign\", \"verify\" ] }",
    );
    check_key("return hex(await subtle.exportKey('raw', key))", "6b6579");
    check_key(
        "const jwk = await subtle.exportKey('jwk', key); const again = await subtle.importKey('jwk', jwk, algorithm, false, ['sign']);
         return [jwk.k, jwk.alg, await thrown(() => subtle.exportKey('raw', again))].join()",
        "a2V5,HS256,InvalidAccessError: the key is not extractable",
    );
    check_key(
        "const made = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-512' }, true, ['sign']);
         return [made.algorithm.length, (await subtle.sign('HMAC', made, bytes())).byteLength,
                 await thrown(() => subtle.verify('HMAC', made, bytes(), bytes()))].join()",
        "1024,64,InvalidAccessError: key does not contain the 'verify' usage",
    );
}

#[test]
fn what_webcrypto_lacks_is_refused_by_name() {
    check_key(
        "return thrown(() => subtle.encrypt({ name: 'AES-CBC' }, key, bytes()))",
        "NotSupportedError: crypto.subtle.encrypt() is not supported by ringload",
    );
    check_key(
        "return thrown(() => subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']))",
        "NotSupportedError: the algorithm \"AES-GCM\" is not supported by ringload; keys are for HMAC only",
    );
    check_key(
        "return thrown(() => subtle.importKey('raw', bytes(1), algorithm, true, ['encrypt']))",
        "SyntaxError: invalid key usage: encrypt",
    );
    check_key(
        "return thrown(() => subtle.importKey('raw', bytes(), algorithm, true, ['sign']))",
        "DataError: key length cannot be 0",
    );
}

#[test]
fn text_becomes_bytes_and_bytes_become_text() {
    check(
        "return new TextEncoder().encode('a€😀')",
        "Uint8Array(8) [ 97, 226, 130, 172, 240, 159, 152, 128 ]",
    );
    check("return new TextEncoder().encode().length + new TextEncoder().encoding", "0utf-8");
    check("return new TextDecoder().decode(bytes(226, 130, 172))", "€");
    check("return new TextDecoder().decode(bytes(239, 187, 191, 97)).length", "1");
    check("return new TextDecoder('utf8', { ignoreBOM: true }).decode(bytes(239, 187, 191, 97)).length", "2");
    check("return new TextDecoder('utf-16le').decode(bytes(61, 216, 0, 222).buffer)", "😀");
    check(
        "return new TextDecoder('utf-16be').decode(bytes(32, 172)) + new TextDecoder('utf-16').encoding",
        "€utf-16le",
    );
    check("return new TextDecoder().decode(bytes(97, 255, 98))", "a\u{fffd}b");
    check(
        "return thrown(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes(255)))",
        "TypeError: The encoded data was not valid utf-8 data",
    );
    check("return thrown(() => new TextDecoder('koi8-r'))", "RangeError: unsupported encoding: koi8-r");
}

#[test]
fn a_stream_keeps_letters_that_are_cut() {
    check(
        "const d = new TextDecoder(); const parts = [bytes(226, 130), bytes(172, 97), bytes(240)];
         return parts.map((part) => d.decode(part, { stream: true })).join('|') + '|' + d.decode()",
        "|€a||\u{fffd}",
    );
    check(
        "const d = new TextDecoder('utf-16le'); const parts = [bytes(61), bytes(216, 0), bytes(222)];
         return parts.map((part) => d.decode(part, { stream: true })).join('|')",
        "||😀",
    );
}

#[test]
fn globals_can_be_replaced_as_in_k6() {
    check("globalThis.TextEncoder = 5; return TextEncoder + typeof globalThis.TextDecoder", "5function");
    check("return Object.keys(globalThis).includes('crypto')", "true");
}
