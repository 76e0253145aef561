using System.Text.Json.Serialization;
using Amazon.Runtime;

namespace PgMigration.Wal;

/// <summary>How credentials are made, with all that it takes: another process, of another user, makes them from this alone.</summary>
/// <remarks>
/// The SDK's own profiles are not used. It finds its STS and SSO clients by reflection, which a native program does not have; where they are
/// registered instead, it signs AssumeRole with the default credentials and not with those of source_profile.
/// </remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(KeySource), "keys")]
[JsonDerivedType(typeof(RoleSource), "role")]
[JsonDerivedType(typeof(WebIdentitySource), "webIdentity")]
[JsonDerivedType(typeof(SignInSource), "signIn")]
[JsonDerivedType(typeof(ProcessSource), "process")]
[JsonDerivedType(typeof(ContainerSource), "container")]
[JsonDerivedType(typeof(InstanceSource), "instance")]
internal abstract record AwsCredentialSource
{
    /// <summary>The profile that describes it; null when the environment or a parameter does.</summary>
    public string? Profile { get; init; }

    /// <summary>What it is and where it was found, without secrets, such as <c>the role arn:… of the profile 'prod'</c>.</summary>
    [JsonIgnore]
    public string Text => Profile is null ? Kind : $"{Kind} of the profile '{Profile}'";

    /// <summary>Whether another user can make them from this, for as long as it likes, when it can read the files that this names.</summary>
    [JsonIgnore]
    public virtual bool Lasts => true;

    /// <summary>What it is, such as <c>the role arn:aws:iam::1:role/reader</c>.</summary>
    [JsonIgnore]
    protected abstract string Kind { get; }

    /// <summary>The SDK's credentials. Nothing is sent yet; those that expire are renewed before they do.</summary>
    public abstract AWSCredentials Make();

    /// <summary>Without secrets.</summary>
    public sealed override string ToString() => Text;
}
