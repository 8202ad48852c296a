// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Paying for answers
/// @notice Native module at 0x00000000000000000000000000000000006d7505.
interface ICompute {
    event ModelOffered(bytes32 indexed model, address indexed provider, address indexed owner);
    event KeyOpened(bytes32 indexed about, address indexed payer, address indexed key);
    event KeyEnding(bytes32 indexed about, address indexed payer, address indexed key);
    event KeyClosed(bytes32 indexed about, address indexed payer, address indexed key);

    /// @notice The sender, a compute node, serves a model: its own, or one that it holds a live
    /// licence to infer with.
    function offer(bytes32 model) external;

    /// @notice Locks the value for a session key, which signs vouchers off the ledger.
    /// @param key Address of the session key; never opened before.
    /// @param expiresMs Block time, at most 400 days ahead.
    function openKey(address key, uint64 expiresMs) external payable;

    /// @notice The provider redeems a voucher. What it adds to the sum that this provider redeemed of
    /// the key is split, if the key may still spend it: 30 % to the provider, 5 % to the storage nodes
    /// of the current epoch by weight, 65 % to the owners by share and the builder.
    /// @param voucher key (20 bytes), provider (20), model (32), cumulative wei (16, little-endian),
    /// tokens (8, little-endian), request hash (32), output hash (32), signature r | s | parity (65).
    function settle(bytes calldata voucher) external;

    /// @notice The provider redeems 1 to 64 vouchers, of any keys, all or none.
    function settleAll(bytes[] calldata vouchers) external;

    /// @notice Whoever opened the key ends it in one hour, in which providers may still redeem.
    function endKey(address key) external;

    /// @notice Whoever opened the key gets the rest back once the key has expired.
    function closeKey(address key) external;

    /// @notice A session key. Reverts when it was never opened.
    function sessionKey(address key)
        external
        view
        returns (
            address payer,
            uint256 limit,
            uint256 redeemed,
            uint64 expiresMs,
            bool closed
        );

    /// @notice Wei that one provider redeemed of a key: its vouchers count up from there.
    function redeemedBy(address key, address provider) external view returns (uint256);
}
