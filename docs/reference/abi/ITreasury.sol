// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Payments
/// @notice Native account at 0x00000000000000000000000000000000006d7506. It receives fees; logs of payments
/// bear its address. Its methods only read: the native token, as EIP-20 programs read a token.
interface ITreasury {
    /// @notice Money moved. about is the transaction, block, asset, run or model that it was for.
    /// @param reason 1 transfer, 2 fee, 3 storage, 4 licence, 5 training_escrow, 6 training_reward,
    /// 7 inference_compute, 8 inference_storage, 9 inference_data, 10 inference_builder,
    /// 11 key_escrow, 12 refund, 13 stake, 14 unstake, 15 slash, 16 reward,
    /// 17 relay.
    event Paid(
        address indexed from,
        address indexed to,
        bytes32 indexed about,
        uint256 amount,
        uint8 reason
    );

    function name() external pure returns (string memory);
    function symbol() external pure returns (string memory);
    function decimals() external pure returns (uint8);
    /// @notice Wei; all of it was there at the beginning.
    function totalSupply() external view returns (uint256);
    /// @notice Wei of an account, as its balance says.
    function balanceOf(address account) external view returns (uint256);
}
