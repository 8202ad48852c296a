// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Who owns what, and who may use it
/// @notice Native module at 0x00000000000000000000000000000000006d7503.
interface IRights {
    event AssetRegistered(bytes32 indexed asset, address indexed owner, address indexed sameOwner);
    event LicenceOffered(bytes32 indexed licence, address indexed owner, address indexed licensee);
    event LicenceAccepted(bytes32 indexed licence, address indexed licensee, address indexed owner);
    event LicenceRevoked(bytes32 indexed licence, address indexed owner, address indexed sameOwner);

    /// @notice Registers data of the sender. The asset's id is a hash of owner and content.
    /// @param content Digest of the object's manifest.
    /// @param size Bytes of plaintext.
    /// @param title At most 256 bytes of UTF-8.
    function registerAsset(bytes32 content, uint64 size, string calldata title) external;

    /// @notice The asset's owner offers a licence. Its id is a hash of asset and subject.
    /// @param subject A training run (train), or a provider's address in the last 20 bytes (infer).
    /// @param purpose 1 train, 2 infer.
    /// @param price Wei, paid once, on acceptance.
    /// @param sharePpm Of the later income of the model's side; 0 for infer. All shares of a run
    /// together are at most 900,000.
    /// @param expiresMs Block time in milliseconds since 1970 at which the licence ends.
    function offerLicence(
        bytes32 asset,
        bytes32 subject,
        uint8 purpose,
        uint256 price,
        uint32 sharePpm,
        uint64 expiresMs
    ) external;

    /// @notice The run's builder, or the provider, accepts; the value must be the price.
    function acceptLicence(bytes32 licence) external payable;

    /// @notice The owner ends the licence. What a run used before is still paid its share.
    function revokeLicence(bytes32 licence) external;

    /// @notice A data set (kind 1) or a model (kind 2). Reverts when there is none.
    /// @return run The run that made a model; zero for data.
    /// @return pricePerToken Wei; zero for data.
    function asset(bytes32 id)
        external
        view
        returns (
            address owner,
            bytes32 content,
            uint8 kind,
            uint64 size,
            uint64 registeredMs,
            bytes32 run,
            uint256 pricePerToken,
            string memory title
        );

    /// @notice The id that an asset of this owner and content has, registered or not.
    function assetId(address owner, bytes32 content) external pure returns (bytes32);

    /// @notice A licence, in whatever state. Reverts when it was never offered.
    /// @return state 0 offered, 1 accepted, 2 revoked.
    /// @return acceptedMs 0 when it never was.
    function licence(bytes32 id)
        external
        view
        returns (
            bytes32 asset,
            bytes32 subject,
            uint8 purpose,
            uint256 price,
            uint32 sharePpm,
            uint64 expiresMs,
            uint8 state,
            address owner,
            uint64 acceptedMs
        );

    /// @notice The id that a licence of this asset for this subject has, offered or not.
    function licenceId(bytes32 asset, bytes32 subject) external pure returns (bytes32);

    /// @notice Whether the licence is accepted and has not expired at the latest block's time.
    function isLive(bytes32 id) external view returns (bool);
}
