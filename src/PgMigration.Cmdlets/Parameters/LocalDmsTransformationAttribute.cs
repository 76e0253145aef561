using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Reads a local DMS that came from a job or a file: its key did not travel, and is read anew from its folder on this machine.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field | AttributeTargets.Parameter)]
public sealed class LocalDmsTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => inputData switch
    {
        null => null,
        PSObject { BaseObject: LocalDmsServer dms } => dms,
        LocalDmsServer dms => dms,
        PSObject { BaseObject: PSCustomObject } bag when bag.Properties[nameof(LocalDmsServer.Endpoint)] is not null && bag.Properties[nameof(LocalDmsServer.Folder)]?.Value is string folder => Find(folder),
        _ => throw new ArgumentTransformationMetadataException("Expected a local DMS, as Start-LocalDms returns it."),
    };

    private static LocalDmsServer Find(string folder)
    {
        try
        {
            return LocalDmsServer.Find(folder) ?? throw new ArgumentTransformationMetadataException($"No local DMS runs in '{folder}' on this machine. Start it again: Start-LocalDms -Path '{folder}'.");
        }
        catch (MigrationException failure)
        {
            throw new ArgumentTransformationMetadataException(failure.Message);
        }
    }
}
