namespace PgMigration.LocalDms;

/// <summary>The one key that requests must be signed with.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Secret">The secret.</param>
/// <param name="SessionToken">The token that must come with it; null for a lasting key.</param>
internal sealed record AccessKey(string Id, string Secret, string? SessionToken)
{
    /// <summary>Its id alone.</summary>
    public override string ToString() => Id;
}
