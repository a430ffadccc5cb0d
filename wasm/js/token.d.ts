/**
 * Portable tokens by WebCrypto, the same text as the host's. `import { TokenKeys } from 'unisono/token'`.
 *
 * @packageDocumentation
 */

/** The keys file. Bytes are base64url without padding. */
export interface TokenKeysFile {
  /** The id of the key that signs. */
  sign_with: string;
  keys: TokenKey[];
}

/** A key signs (`seed`) or only checks (`public_key`); pages get keys that only check. */
export interface TokenKey {
  key_id: string;
  /** 32 bytes, secret. */
  seed?: string;
  /** 32 bytes. */
  public_key?: string;
  /** 32 bytes, secret; for encrypted tokens. */
  encryption_key?: string;
}

/** Readable by whoever holds it, or only by who has the key. */
export type TokenForm = 'signed' | 'encrypted';

/** The keys of a shop's tokens. Needs WebCrypto with Ed25519 (Node 20, browsers of 2025; a secure context). */
export class TokenKeys {
  private constructor();

  /** @throws {UnisonoError} `token_keys_invalid`. */
  static load(file: TokenKeysFile): Promise<TokenKeys>;

  /** The id of the key that signs. */
  readonly signWith: string;

  /** Bytes of payload that leave a token of this many characters: the module's `bytes_max`. */
  payloadBytes(characters: number, form?: TokenForm): number;

  /**
   * The token of a payload that the module wrote.
   *
   * @throws {UnisonoError} `token_key_unknown`, `token_malformed`.
   */
  write(payload: Uint8Array, form?: TokenForm): Promise<string>;

  /**
   * The payload of a token, for the module.
   *
   * @throws {UnisonoError} `token_malformed`, `token_key_unknown`, `token_forged`, `token_foreign`, `token_expired`.
   */
  read(text: string, nowMs: number, shop: string): Promise<Uint8Array>;
}
