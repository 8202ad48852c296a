// Writes accounts.json with ethers (the npm package in build/deps): keys, addresses, signatures,
// Keccak-256 hashes and a wallet file. Usage: node generate_accounts.mjs, from this folder.
// Every input follows from a counter; only the wallet file's salts are ethers' own fixed choices
// below, so a run always writes the same file.
import {createRequire} from 'node:module';
import {writeFileSync} from 'node:fs';

const require = createRequire(new URL('../../build/deps/', import.meta.url));
const {ethers} = require('ethers');

const draw = (label, i) => ethers.sha256(ethers.toUtf8Bytes(`${label} ${i}`));
const pattern = (size) => Uint8Array.from({length: size}, (_, i) => i % 251);
const hex = (bytes) => ethers.hexlify(bytes).slice(2);
const written = (signature) => hex(ethers.concat([
    signature.r, signature.s, ethers.toBeHex(signature.yParity, 1)]));

const one = '0x' + '1'.padStart(64, '0');
const last = '0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140';
const secrets = [one, last, ...Array.from({length: 6}, (_, i) => draw('account', i))];
const accounts = secrets.map((secret, i) => {
    const key = new ethers.SigningKey(secret);
    const digest = draw('digest', i);
    const message = pattern(37 * i);
    const personal = ethers.hashMessage(message);
    return {
        secret: secret.slice(2),
        address: ethers.computeAddress(secret),
        digest: digest.slice(2),
        digest_signature: written(key.sign(digest)),
        message: hex(message),
        message_hash: personal.slice(2),
        message_signature: written(key.sign(personal)),
    };
});

const keccak = [0, 1, 3, 32, 64, 135, 136, 137, 271, 272, 273, 1000].map(
    (size) => ({size, hash: ethers.keccak256(pattern(size)).slice(2)}));

const secret = draw('wallet', 0);
const password = 'correct horse battery staple';
const keystore = ethers.encryptKeystoreJsonSync(
    {address: ethers.computeAddress(secret), privateKey: secret}, password, {
        scrypt: {N: 1024, r: 8, p: 1},
        salt: ethers.getBytes(draw('salt', 0)),
        iv: ethers.getBytes(draw('iv', 0)).slice(0, 16),
        uuid: ethers.getBytes(draw('uuid', 0)).slice(0, 16),
    });

writeFileSync(new URL('accounts.json', import.meta.url), JSON.stringify({
    ethers: ethers.version, accounts, keccak,
    wallet: {secret: secret.slice(2), password, keystore}}, null, 1) + '\n');
