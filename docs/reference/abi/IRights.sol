// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Who owns what, and who may use it
/// @notice Native module at 0x00000000000000000000000000000000006d7503.
interface IRights {
    event AssetRegistered(bytes32 indexed asset, address indexed owner, address indexed sameOwner);
    event LicenceOffered(bytes32 indexed licence, address indexed owner, address indexed licensee);
    event LicenceAccepted(bytes32 indexed licence, address indexed licensee, address indexed owner);
    event LicenceRevoked(bytes32 indexed licence, address indexed owner, address indexed sameOwner);

    event RoyaltySet(bytes32 indexed asset, address indexed creator, address indexed sameCreator);

    /// @notice An asset is a token (EIP-721) with its id; registering one transfers it from the zero
    /// address.
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
    event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId);
    event ApprovalForAll(address indexed owner, address indexed operator, bool approved);

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

    /// @notice The run's builder, or the provider, accepts; the value must be the price. An offer is
    /// void once the asset has another owner.
    function acceptLicence(bytes32 licence) external payable;

    /// @notice The asset's owner ends the licence. What a run used before is still paid its share.
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

    /// @notice EIP-721. The new owner offers and revokes licences and may serve a model; shares of a
    /// model's income stay with who has them. Neither the zero address nor a module can own an asset.
    function transferFrom(address from, address to, uint256 tokenId) external;
    /// @notice The same: no account has code that would have to accept.
    function safeTransferFrom(address from, address to, uint256 tokenId) external;
    function safeTransferFrom(address from, address to, uint256 tokenId, bytes calldata data) external;
    function approve(address approved, uint256 tokenId) external;
    function setApprovalForAll(address operator, bool approved) external;

    /// @notice Who registered an asset, while it owns it, sets what it asks of later sales.
    /// @param ppm Of the price, at most 250,000.
    function setRoyalty(uint256 tokenId, uint32 ppm) external;

    function name() external view returns (string memory);
    function symbol() external view returns (string memory);
    /// @return "mutirao:asset:" and the id in hexadecimal digits.
    function tokenURI(uint256 tokenId) external view returns (string memory);
    function balanceOf(address owner) external view returns (uint256);
    function ownerOf(uint256 tokenId) external view returns (address);
    function getApproved(uint256 tokenId) external view returns (address);
    function isApprovedForAll(address owner, address operator) external view returns (bool);

    /// @notice EIP-2981: who registered the asset, and what it asks of a sale. Nothing enforces it.
    function royaltyInfo(uint256 tokenId, uint256 salePrice)
        external
        view
        returns (address receiver, uint256 royaltyAmount);

    /// @notice EIP-165; true for EIP-165, EIP-721, its metadata, and EIP-2981.
    function supportsInterface(bytes4 interfaceId) external view returns (bool);
}
