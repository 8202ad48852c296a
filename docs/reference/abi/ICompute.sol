// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Paying for answers
/// @notice Native module at 0x00000000000000000000000000000000006d7505.
interface ICompute {
    event ModelOffered(bytes32 indexed model, address indexed provider, address indexed owner);
    event KeyOpened(bytes32 indexed about, address indexed payer, address indexed key);
    event KeyEnding(bytes32 indexed about, address indexed payer, address indexed key);
    event KeyClosed(bytes32 indexed about, address indexed payer, address indexed key);
    event DisputeOpened(bytes32 indexed dispute, address indexed payer, address indexed provider);
    event DisputeAnswered(bytes32 indexed dispute, address indexed payer, address indexed provider);
    event DisputeLost(bytes32 indexed dispute, address indexed payer, address indexed provider);

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

    /// @notice Slashes a provider for a receipt that does not fit its request: another model, more tokens
    /// than were asked for, or more than the model's price for its tokens. 30 % of its stake, of which
    /// the sender gets 5 %; once a receipt.
    /// @param receipt Canonical bytes (src/compute/inference.hpp), signed by the provider.
    /// @param request Canonical bytes of the request whose hash the receipt names.
    function proveReceipt(bytes calldata receipt, bytes calldata request) external;

    /// @notice Slashes a provider that signed receipts for two outputs of one request: a request names
    /// its seed, so it has one answer. Once a request.
    function proveTwoAnswers(bytes calldata one, bytes calldata other) external;

    /// @notice Whoever pays for a key asks the provider of its last redeemed voucher for the receipt, in
    /// 24 hours of the payment. The dispute's id is the voucher's hash.
    /// @dev The value is 0.01 MUT: the provider's when it answers, else the sender's again.
    function dispute(bytes calldata voucher) external payable;

    /// @notice The receipt of a disputed answer, at the model's price; anybody may bring it.
    function answerDispute(bytes32 id, bytes calldata receipt) external;

    /// @notice After 24 hours without an answer the provider is slashed, and pays the cost of the answer
    /// back from that as far as it goes.
    function expireDispute(address provider, bytes32 id) external;

    /// @notice A dispute. Reverts when there is none.
    /// @return state 0 open, 1 answered, 2 lost.
    function disputeOf(address provider, bytes32 id)
        external
        view
        returns (
            address payer,
            bytes32 model,
            bytes32 request,
            uint256 owed,
            uint64 deadlineMs,
            uint8 state
        );

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
