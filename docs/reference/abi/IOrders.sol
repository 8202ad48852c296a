// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Calls that an account signs and anybody brings
/// @notice Native module at 0x00000000000000000000000000000000006d7508. An order is EIP-712 typed data,
/// Order(address account,address to,uint256 value,bytes data,uint256 fee,uint64 nonce,uint64 deadlineMs)
/// in the domain name "Mutirao", version "1", this chain's id and this module's address. Whoever
/// relays it pays the gas and gets the fee. A session key, such as a machine's, may sign for an
/// account within limits that the account granted.
interface IOrders {
    event OrderRelayed(bytes32 indexed order, address indexed account, address indexed relayer);
    event SignerAuthorised(bytes32 indexed about, address indexed account, address indexed signer);
    event SignerRevoked(bytes32 indexed about, address indexed account, address indexed signer);

    /// @notice Makes the account's call as if the account had sent it; it is the sender of what the
    /// call does, and events and records name it. Reverts when the call does; then the order is
    /// good still, until its deadline.
    /// @param account Who makes the call, and pays value and fee.
    /// @param to A module, except for relay itself, or whom the value is for.
    /// @param data At most 96 KiB.
    /// @param fee Wei from the account to the sender of this transaction.
    /// @param nonce The signer's next for this account: see orderKey.
    /// @param deadlineMs Block time in milliseconds since 1970 until which the order is good.
    /// @param signature r, s and v (27 or 28; 0 or 1), of the account or of a signer that it
    /// authorised.
    function relay(
        address account,
        address to,
        uint256 value,
        bytes calldata data,
        uint256 fee,
        uint64 nonce,
        uint64 deadlineMs,
        bytes calldata signature
    ) external;

    /// @notice The signer may sign orders for the sender from now on. A second call replaces the
    /// limits and begins a new sum; the nonce goes on.
    /// @param to The only address that its orders may call; not this module.
    /// @param limit Wei of values and fees of its orders together.
    /// @param expiresMs Block time, at most 400 days ahead.
    function authorise(address signer, address to, uint256 limit, uint64 expiresMs) external;

    /// @notice The signer may sign for the sender no more. What it signed before is never good again,
    /// unless it is authorised anew and the nonce is still to come.
    function revokeSigner(address signer) external;

    /// @notice The sender's own orders with a lower nonce are good no more.
    function cancelOrders(uint64 nextNonce) external;

    /// @notice What a signer may do for an account; the account is a signer of its own, without limits.
    /// @return nonce Of the signer's next order for the account.
    function orderKey(address account, address signer)
        external
        view
        returns (uint64 nonce, address to, uint256 limit, uint256 spent, uint64 expiresMs);

    /// @notice EIP-712's hash of the domain.
    function domainSeparator() external view returns (bytes32);
}
